"""Variables that nobody reads: those that are nearly called as ours."""

from collections.abc import Callable, Collection, Iterator, Mapping

from task_core.config.sources import COMMON, Section, variable_prefix
from task_core.errors import nearest

_OTHERS = ("CONFIG", "DEBUG", "PLUGINS", "PLUGINS_DISABLED")  # variables without table
_SURELY_MEANT = 0.8
"""How like one of ours the name of a variable is that nobody else would use."""


def stray_variables(
    environment: Mapping[str, str],
    tables: Collection[str],
    section: Section,
    more: Callable[[], Collection[str]],
) -> list[str]:
    """Return what is wrong with variables that are nearly called as those we read.

    Those too that name an option of the command, without its table. All others are let
    through: they may be another program's.

    Args:
        environment: All variables.
        tables: Tables whose variables begin with their names.
        section: The command's own options.
        more: Returns further tables; looked up when there is something to tell.
    """
    hints = dict(_hints(environment, tables, section))
    others = tuple(variable_prefix((name,)) for name in (more() if hints else ()))
    return [
        f"environment {variable}: nothing reads it{hint}"
        for variable, hint in hints.items()
        if not f"{variable}_".startswith(others)
    ]


def _hints(
    environment: Mapping[str, str], tables: Collection[str], section: Section
) -> Iterator[tuple[str, str]]:
    """Yield each variable that is likely meant for us, and which one is meant."""
    short = {f"TASK_{spec.name.upper()}": spec for spec in section.specs}
    own = {
        variable: section.env_of(spec)
        for variable, spec in short.items()
        if not variable.startswith(section.env_prefix)  # the section tells of those
    }
    single = [*(name.upper() for name in COMMON), *_OTHERS]
    prefixes = [name.upper().replace("-", "_") for name in tables]
    below_them = tuple(f"{prefix}_" for prefix in prefixes)
    for variable in environment:
        name = variable.removeprefix("TASK_")
        if name == variable or name in single:
            continue
        # First: an option may be called as a table is, as `hooks`.
        if variable in own and environment[variable]:
            yield variable, f": did you mean '{own[variable]}'?"
        elif not f"{name}_".startswith(below_them) and (
            hint := _nearly(name, single, prefixes)
        ):
            yield variable, hint.replace("'", "'TASK_", 1)


def _nearly(name: str, single: Collection[str], prefixes: Collection[str]) -> str:
    head, below, rest = name.partition("_")
    hint = _meant(name, single)
    if not hint and below:
        hint = _meant(head, prefixes).replace("'?", f"_{rest}'?")
    return hint


def _meant(name: str, known: Collection[str]) -> str:
    """Return which of ours a name surely means; letters that changed places count."""
    swapped = [one for one in known if sorted(one) == sorted(name)]
    return nearest(name, swapped or known, 0 if swapped else _SURELY_MEANT)
