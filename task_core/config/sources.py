"""Where values come from: flags, the environment, a URL, a TOML file.

A section is the options of one thing, with the names by which each source sets them.
"""

from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, Protocol

import msgspec

from task_core.errors import nearest
from task_core.fields import Field
from task_core.options import options_of


class Section(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The options of one thing, and the names under which they are set.

    Args:
        options: The class of its options.
        table: The TOML table, for example `("bus", "nsq")`.
        flag: What flags begin with, for example `bus-`; empty for those of a command.
        strict: Whether keys that the class does not know are errors.
        weaker: Tables that set those of `COMMON` where its own says nothing.
        others: Returns tables of other plugins whose variables begin like its own.
        called: Whether a program sets them, by arguments in place of flags.
    """

    options: type
    table: tuple[str, ...]
    flag: str = ""
    strict: bool = True
    weaker: tuple[tuple[str, ...], ...] = ()
    others: Callable[[], Iterable[tuple[str, ...]]] = tuple
    called: bool = False

    @property
    def specs(self) -> tuple[Field, ...]:
        """The options, in the order of the class."""
        return options_of(self.options)

    @property
    def env_prefix(self) -> str:
        """What its environment variables begin with."""
        return variable_prefix(self.table)

    def owns_variable(self, variable: str) -> bool:
        """Whether an environment variable can only be meant for it."""
        if not variable.startswith(self.env_prefix):
            return False
        return not variable.startswith(tuple(map(variable_prefix, self.others())))

    def flag_of(self, spec: Field) -> str:
        """Return the flag of an option, or the argument by which a program sets it."""
        return spec.name if self.called else f"--{self.flag}{spec.dashed}"

    def env_of(self, spec: Field) -> str:
        """Return the environment variable of an option."""
        return f"{self.env_prefix}{spec.name.upper()}"

    def key_of(self, spec: Field) -> str:
        """Return the TOML key of an option, with its table."""
        return ".".join((*self.table, spec.name))


COMMON = ("bus", "log_level", "log_format", "log_time", "log_interval", "prefix")
"""Options that the table `[task]` sets for all commands."""


def variable_prefix(table: tuple[str, ...]) -> str:
    """Return what the environment variables of a table begin with."""
    names = table if table == ("task",) else ("task", *table)
    return "_".join((*names, "")).upper().replace("-", "_")


def neighbours(table: tuple[str, ...], names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the tables whose variables begin as those of another one.

    Args:
        table: That other one.
        names: What else there is beside it.

    Example:
        >>> neighbours(("bus", "nats"), ["nats", "nats-core", "nsq"])
        [('bus', 'nats-core')]
    """
    own = variable_prefix(table)
    tables = [(*table[:-1], name) for name in names]
    prefixes = {one: variable_prefix(one) for one in tables}
    return [x for x in tables if prefixes[x] != own and prefixes[x].startswith(own)]


class Raw(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A value as it was found.

    Args:
        value: A tuple of texts, a list of a program, or what TOML holds.
        origin: Where it was found, for people.
    """

    value: Any
    origin: str


class Layer(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All that one source says about one section.

    Args:
        values: By option name.
        unknown: What it says that no option knows: name -> where that is.
    """

    values: Mapping[str, Raw] = msgspec.field(default_factory=dict)
    unknown: Mapping[str, str] = msgspec.field(default_factory=dict)


def flag_layer(section: Section, flags: Mapping[str, Sequence[str]]) -> Layer:
    """Return what the command line says, from option name -> texts.

    A list of a program stays one, as those of TOML: its items may have commas.
    """
    listed = section.called
    return Layer(
        values={
            spec.name: Raw(
                value=texts if listed and isinstance(texts, list) else tuple(texts),
                origin=section.flag_of(spec),
            )
            for spec in section.specs
            if (texts := flags.get(spec.name))
        }
    )


def environment_layer(section: Section, environment: Mapping[str, str]) -> Layer:
    """Return what the environment says; an empty variable counts as not set."""
    known = {section.env_of(spec): spec.name for spec in section.specs}
    values, unknown = {}, {}
    for variable, text in environment.items():
        if not text:
            continue
        if variable in known:
            values[known[variable]] = Raw(value=(text,), origin=variable)
        elif section.owns_variable(variable):
            name = variable.removeprefix(section.env_prefix).lower()
            unknown[name] = f"environment {variable}"
    return Layer(values=values, unknown=unknown)


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


class Source(Protocol):
    """What knows values for any section: a TOML file."""

    def layer(self, section: Section) -> Layer:
        """Return what it says about a section."""

    def strays(
        self,
        known: Mapping[str, Collection[str]],
        more: Callable[[], Collection[str]],
        outer: Collection[str] = (),
    ) -> list[str]:
        """Return what is wrong with its tables: some that nobody reads."""

    def defaults(
        self, path: tuple[str, ...], known: Collection[str], inner: Collection[str]
    ) -> Mapping[str, Any]:
        """Return what the table of a command says, all of which must be known."""

    def place(self, table: tuple[str, ...], key: str) -> str:
        """Return where a key is, for messages."""


class NoFile:
    """The usual case: there is no TOML file."""

    def layer(self, section: Section) -> Layer:
        """Return nothing."""
        return Layer()

    def strays(
        self,
        known: Mapping[str, Collection[str]],
        more: Callable[[], Collection[str]],
        outer: Collection[str] = (),
    ) -> list[str]:
        """Return nothing."""
        return []

    def defaults(
        self, path: tuple[str, ...], known: Collection[str], inner: Collection[str]
    ) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def place(self, table: tuple[str, ...], key: str) -> str:
        """Return nothing."""
        return ""
