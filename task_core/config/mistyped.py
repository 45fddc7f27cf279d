"""Tables like `[taskmaster.corn]`: their options are missing, and nobody would know."""

from collections.abc import Iterable, Iterator, Sequence

from task_core.api.plugin import NoOptions
from task_core.config.selection import Settings
from task_core.config.sources import Section
from task_core.errors import nearest


def mistyped_tables(many: Sequence[Settings]) -> list[str]:
    """Return what to tell of tables that are nearly called as a plugin of their kind.

    No more than that, and of those kinds alone that are at work: others are of plugins
    on other machines, or of files that another launch names.

    Args:
        many: What a command was told, once for each worker.
    """
    told: list[str] = []
    for kind in ("worker", "taskmaster"):
        chosen = [getattr(one, kind) for one in many if getattr(one, kind)]
        if chosen:
            used = [one.plugin.name for one in chosen]
            told += _mistyped(many[0], kind, used)
    return told


def _mistyped(settings: Settings, kind: str, used: Sequence[str]) -> Iterator[str]:
    tables = settings.toml.layer(Section(options=NoOptions, table=(kind,))).unknown
    others = tables.keys() - _keys(used)
    if not others:  # the usual case: nobody asks what is installed
        return
    names = settings.catalog.names(kind)
    for name in sorted(others - _keys(names), key=[*tables].index):
        if hint := nearest(name, names):
            text = f"nothing reads [{kind}.{name}]: no {kind} '{name}' is installed"
            yield f"{tables[name]}: {text}{hint}"


def _keys(names: Iterable[str]) -> set[str]:
    return {name.replace("-", "_") for name in names}
