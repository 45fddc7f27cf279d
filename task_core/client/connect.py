"""Finds the bus that a program names, as the command line does, and makes a client."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from task_core.api.bus import Bus, BusContext
from task_core.builtin import PLUGINS
from task_core.client.client import Client
from task_core.config.selection import Selector
from task_core.config.sources import NoFile, Section, Source
from task_core.discovery.catalog import Catalog
from task_core.errors import OptionError, nearest
from task_core.options import option
from task_core.values import write

DEFAULT_FILE = "task.toml"
"""Read when it is there and no other file is named."""


@attrs.frozen(kw_only=True, eq=False)
class ConnectOptions:
    """Which bus."""

    bus: str = option("stdio", help="Bus: a name or a URL.")


SECTION = Section(
    options=ConnectOptions, table=("task",), weaker=(("launch",),), strict=False
)


def connect(
    url: str | None = None,
    *,
    done_topic: str = "done",
    lease: float = 30.0,
    config: str | None = None,
    catalog: Catalog | None = None,
    **options: Any,
) -> Client:
    """Return a client of a bus; it connects when it is first used.

    Options come from the arguments, the URL, the environment, the TOML file, and
    defaults, in this order, as on the command line.

    Args:
        url: A name or URL, as behind `--bus`; what environment and TOML select when
            not given.
        done_topic: Where `call` looks for done tasks.
        lease: Seconds until what `read` has and does not settle comes again.
        config: The TOML file; `TASK_CONFIG`, or ./task.toml if it is there.
        catalog: What can be used; what is installed when not given.
        options: Those of the bus, as `task plugins show bus NAME` lists them.

    Raises:
        PluginError: There is no such bus, or it cannot be used.
        OptionError: One of the options is wrong.

    Example:
        >>> with connect("memory:example") as tasks:
        ...     tasks.send("load", "s3://bucket/a.csv").type
        'load'
    """
    flags = partial(_arguments, url, options)
    selector = Selector(SECTION, catalog or Catalog.scan(PLUGINS), _toml(config))
    selected = selector.select(flags)
    _refuse_unknown(options, selected[0].section)
    settings = selector.resolve(flags, selected)
    if settings.problems:
        raise OptionError(settings.problems)
    chosen = settings.buses["bus"]

    def open_bus() -> Bus:
        bus: Bus = chosen.plugin.open(chosen.options, BusContext(lease=lease))
        return bus

    return Client(open_bus, done_topic, chosen.plugin.name)


def _arguments(
    url: str | None, options: Mapping[str, Any], section: Section
) -> Mapping[str, Sequence[str]]:
    """Return what the caller says about a section, as the command line would."""
    if section is SECTION:
        return {} if url is None else {"bus": (url,)}
    return {name: _texts(value) for name, value in options.items() if value is not None}


def _texts(value: Any) -> Sequence[str]:
    if isinstance(value, list | tuple):
        return [write(one) for one in value]
    return [write(value)]


def _refuse_unknown(options: Mapping[str, Any], section: Section) -> None:
    names = [spec.name for spec in section.specs]
    unknown = [name for name in options if name not in names]
    if unknown:
        bus = section.table[-1]
        has = f"; it has {', '.join(names)}" if names else "; it has no options"
        raise OptionError(
            [
                f"connect: bus '{bus}' has no option '{name}'"
                f"{nearest(name, names) or has}"
                for name in unknown
            ]
        )


def _toml(path: str | None) -> Source:
    path = path or os.environ.get("TASK_CONFIG")
    if not path and not os.path.isfile(DEFAULT_FILE):
        return NoFile()
    from task_core.config.toml_file import TomlFile  # noqa: PLC0415  few have a file

    return TomlFile.read(path or DEFAULT_FILE)
