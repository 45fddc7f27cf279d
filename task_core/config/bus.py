"""The one bus that a caller names, with its options resolved as for every command."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import attrs

from task_core.config.resolve import DEFAULT
from task_core.config.selection import PREFIX, Chosen, Plugins, Selector, Settings
from task_core.config.sources import NoFile, Section, Source
from task_core.errors import OptionError, UsageError, nearest
from task_core.options import option
from task_core.values import write

DEFAULT_FILE = "task.toml"
"""Read when it is there and no other file is named."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BusOptions:
    """Which bus."""

    bus: str = option("stdio", help="Bus: a name or a URL.")
    prefix: str = option("", help=PREFIX)


ANY = Section(
    options=BusOptions,
    table=("task",),
    weaker=(("launch",),),
    strict=False,
    called=True,
)
"""Where those who have no table of their own find their bus."""


def read_toml(path: str | None) -> Source:
    """Read the file that was named, or the default one if it is there.

    Raises:
        OptionError: It cannot be read, or is no TOML.
    """
    if not path and not os.path.isfile(DEFAULT_FILE):
        return NoFile()
    # Only now: most starts have no file, and need not load what reads one.
    from task_core.config.toml_file import TomlFile  # noqa: PLC0415

    return TomlFile.read(path or DEFAULT_FILE)


def choose_bus(
    catalog: Plugins,
    url: str | None,
    options: Mapping[str, Any],
    *,
    prefix: str | None = None,
    config: str | None = None,
    wanted: bool = False,
    importing: AbstractContextManager[None] | None = None,
) -> Chosen:
    """Return the bus that is meant, and its options.

    Args:
        catalog: What is installed.
        url: A name or URL; what environment and TOML select when not given.
        options: Options of the bus by name, stronger than the URL.
        prefix: What topics begin with; what environment and TOML say when not given.
        config: The TOML file; `TASK_CONFIG`, or ./task.toml if it is there.
        wanted: Whether somebody must have said which: what a program sends is to go
            nowhere by default.
        importing: Is entered while plugins are imported.

    Raises:
        PluginError: There is no such bus, or it cannot be used.
        OptionError: One of the options is wrong, or there is none of that name.
        UsageError: What is given for the bus is no text; or nobody has said which.
    """
    if not (url is None or isinstance(url, str)):
        text = f"the name or URL of a bus is wanted, not {url!r}"
        raise UsageError(f"{text}: for example 'sqlite://task.db'")
    flags = partial(_arguments, url, prefix, options)
    toml = read_toml(config or os.environ.get("TASK_CONFIG"))
    selector = Selector(ANY, catalog, toml)
    with importing or nullcontext():
        selected = selector.select(flags)
    _refuse_unknown(options, selected[0].section)
    settings = selector.resolve(flags, selected)
    if wanted and _is_default(settings):
        raise UsageError(
            "no bus is set: give a name or URL, for example 'sqlite://task.db', or set"
            " TASK_BUS, or bus in task.toml"
        )
    if settings.problems:
        raise OptionError(settings.problems)
    return settings.buses["bus"]


def _is_default(settings: Settings) -> bool:
    return any(one.spec.name == "bus" and one.origin == DEFAULT for one in settings.all)


def _arguments(
    url: str | None,
    prefix: str | None,
    options: Mapping[str, Any],
    section: Section,
) -> Mapping[str, Sequence[str]]:
    """Return what the caller says about a section, as the command line would."""
    if section is ANY:
        said = {"bus": url or None, "prefix": prefix}
        return {name: (text,) for name, text in said.items() if text is not None}
    return {name: _texts(value) for name, value in options.items() if value is not None}


def _texts(value: Any) -> Sequence[str]:
    if isinstance(value, list | tuple):
        return [write(one) for one in value]
    return (write(value),)


def _refuse_unknown(options: Mapping[str, Any], section: Section) -> None:
    names = [spec.name for spec in section.specs]
    has = f"; it has {', '.join(names)}" if names else "; it has no options"
    problems = [
        f"bus '{section.table[-1]}' has no option '{name}'{nearest(name, names) or has}"
        for name in options
        if name not in names
    ]
    if problems:
        raise OptionError(problems)
