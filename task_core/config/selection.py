"""In two phases: first who is selected, then what only their options say."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

import attrs
import msgspec
from msgspec.structs import replace

from task_core.config.resolve import Resolver, Setting, unknown_of
from task_core.config.sources import (
    COMMON,
    Layer,
    Section,
    Source,
    environment_layer,
    flag_layer,
    neighbours,
    stray_variables,
)
from task_core.errors import PluginContractError
from task_core.options import option
from task_core.shown import HIDDEN, tell_url

Flags = Callable[[Section], Mapping[str, Sequence[str]]]
"""Returns what the command line, or a caller, says about a section, by option name."""

BUSES = ("bus", "in_bus", "out_bus")
KINDS = {"worker": "worker", "taskmaster": "taskmaster", **dict.fromkeys(BUSES, "bus")}
"""What kind of plugin an option of that name selects."""
TABLES = ("task", "launch", "send", "tail", "topics", "dead", "hooks")
"""Tables that are not those of a kind of plugins."""
_OUTER = (*dict.fromkeys(KINDS.values()), "hooks")
"""Tables that hold one for each plugin, and nothing else."""


class Plugins(Protocol):
    """What is installed, as far as selecting goes."""

    def names(self, kind: str) -> Collection[str]:
        """Return the names of one kind."""

    def manifest(self, kind: str, text: str) -> tuple[Any, str]:
        """Return the manifest that a text means, and its URL if the text is one."""


PREFIX = "What the name of every topic begins with on the bus, for example staging."
"""Help of an option that each command has."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CommonOptions:
    """What the table `[task]` sets for all commands."""

    bus: str | None = option(None, help="Bus of every command: a name or a URL.")
    log_level: str | None = option(None, help="What to report on stderr.")
    log_format: str | None = option(None, help="Lines on stderr: text, or json.")
    log_time: bool | None = option(None, help="Begin lines of text with the time.")
    log_interval: timedelta | None = option(
        None, help="Time between lines that count what was done; 0s: none."
    )
    prefix: str | None = option(None, help=PREFIX)


COMMON_SECTION = Section(options=CommonOptions, table=("task",))


class Selected(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A plugin that was chosen, before its options are known.

    Args:
        role: The option that chose it, one of `KINDS`.
        plugin: Its manifest.
        url: What was given behind its name, if anything.
        section: Its options, and the flags, variables and keys that set them.
    """

    role: str
    plugin: Any
    url: str
    section: Section


class Chosen(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A plugin with its options, ready to be made or opened.

    Args:
        plugin: Its manifest.
        options: Its options object.
        prefix: Of a bus: what its topics begin with.
    """

    plugin: Any
    options: Any
    prefix: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Everything that a command was told.

    Args:
        command: The command's own options object.
        worker, taskmaster: Who does tasks, or makes them; None when not selected.
        buses: By role, those that were selected.
        all: Every setting with its origin.
        catalog: What is installed, as the entrance handed it down.
        toml: The configuration file.
        problems: What is wrong, one line each.
    """

    command: Any
    worker: "Chosen | None"
    taskmaster: "Chosen | None"
    buses: Mapping[str, Chosen]
    all: Sequence[Setting]
    catalog: Any
    toml: Source
    problems: Sequence[str]


class Selector:
    """Finds out who is selected, and gathers what they are told.

    Args:
        section: The command's own options.
        catalog: What is installed.
        toml: The configuration file.
        environment: The environment variables.
    """

    def __init__(
        self,
        section: Section,
        catalog: Plugins,
        toml: Source,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._section = section
        self._catalog = catalog
        self._toml = toml
        self._environment = environment

    def select(self, flags: Flags) -> list[Selected]:
        """Return who is selected by flags, environment, TOML or default.

        Raises:
            PluginError, WorkerError: One of them cannot be used.
        """
        chosen = self._choices(flags)
        if chosen.get("in_bus") and chosen.get("out_bus"):
            chosen.pop("bus", None)  # nothing is left for it to do
        for text in chosen.values():
            tell_url(text)
        return [self._load(role, text) for role, text in chosen.items()]

    def _choices(self, flags: Flags) -> dict[str, str]:
        """Return what is chosen for each role, before anything is checked."""
        layers = self._layers(self._section, flags)
        choices = {}
        for spec in self._section.specs:
            if spec.name in KINDS:
                raws = [x.values[spec.name] for x in layers if spec.name in x.values]
                value = raws[0].value if raws else spec.default
                value = value[-1] if isinstance(value, tuple) else value
                if isinstance(value, str):  # others are refused when all is checked
                    choices[spec.name] = value
        return choices

    def _load(self, role: str, text: str) -> Selected:
        kind = KINDS[role]
        plugin, url = self._catalog.manifest(kind, text)
        table = (kind, plugin.name)
        section = Section(
            options=plugin.options,
            table=table,
            flag=f"{role.replace('_', '-')}-",
            others=partial(neighbours, table, self._catalog.names(kind)),
            called=self._section.called,
        )
        return Selected(role=role, plugin=plugin, url=url, section=section)

    def resolve(self, flags: Flags, selected: list[Selected]) -> Settings:
        """Return what everybody is told, and all that is wrong with it at once."""
        resolver = Resolver()
        command = resolver.resolve(self._section, self._layers(self._section, flags))
        prefix = getattr(command, "prefix", "")
        chosen = {
            one.role: Chosen(
                plugin=one.plugin,
                options=_blamed(
                    one,
                    partial(
                        resolver.resolve,
                        one.section,
                        self._layers(one.section, flags, one.url),
                    ),
                ),
                prefix=prefix,
            )
            for one in selected
        }
        return Settings(
            command=command,
            worker=chosen.pop("worker", None),
            taskmaster=chosen.pop("taskmaster", None),
            buses=chosen,
            all=[self._without_secrets(one, selected) for one in resolver.settings],
            catalog=self._catalog,
            toml=self._toml,
            problems=[*resolver.problems, *self._strays()],
        )

    def _without_secrets(self, setting: Setting, selected: list[Selected]) -> Setting:
        """Blot out what a URL has for secret options of the plugin that it selects."""
        text, role = setting.value, setting.spec.name
        if role not in KINDS or not isinstance(text, str) or ":" not in text:
            return setting
        for one in selected:
            if one.url and role == one.role and text.endswith(one.url):
                from task_core.config.urls import hide_in_url  # noqa: PLC0415

                return replace(setting, masked=hide_in_url(one.section, one.url))
        idle = role not in {one.role for one in selected}
        if idle and setting.section is self._section:
            # Nobody has loaded it, and so nobody knows which of its options are secret.
            return replace(setting, masked=f"{text.partition(':')[0]}:{HIDDEN}")
        return setting

    def _tables(self) -> Mapping[str, Collection[str]]:
        """Return the tables that somebody may read; only a bus is always installed."""
        tables: dict[str, Collection[str]] = dict.fromkeys(
            (*TABLES, *KINDS.values()), ()
        )
        return {**tables, "bus": self._catalog.names("bus")}

    def _layers(self, section: Section, flags: Flags, url: str = "") -> list[Layer]:
        """Return what the sources say about a section, the strongest first."""
        weaker = [replace(section, table=table) for table in section.weaker]
        layers = [flag_layer(section, flags(section))]
        if url:
            from task_core.config.urls import url_layer  # noqa: PLC0415

            layers.append(url_layer(section, url))
        layers.append(environment_layer(self._beside(section), self._environment))
        layers += [_common(environment_layer(x, self._environment)) for x in weaker]
        layers.append(self._toml.layer(section))
        layers += [_common(self._toml.layer(x)) for x in weaker]
        return layers

    def _beside(self, section: Section) -> Section:
        """Return a section that knows the commands whose names begin as its own."""
        if section is not self._section or not section.strict:
            return section
        names = self._catalog.names("command")
        return replace(section, others=partial(neighbours, section.table, names))

    def _strays(self) -> list[str]:
        """Return what is said to nobody."""
        tables = self._tables()
        common = unknown_of(COMMON_SECTION, [self._toml.layer(COMMON_SECTION)])
        more = partial(self._catalog.names, "command")
        return [
            *common,
            *self._toml.strays(tables, more, _OUTER),
            *stray_variables(self._environment, tables, self._section, more),
        ]


def _blamed(one: Selected, resolve: Callable[[], Any]) -> Any:
    """Resolve options; what is wrong with them whoever sets them is their author's.

    Raises:
        PluginError: Something is.
    """
    try:
        return resolve()
    except PluginContractError as error:
        use = getattr(one.plugin, "make", None) or getattr(one.plugin, "open", None)
        blame = getattr(use, "blame", None)
        raise blame(error) if blame else error from None


def _common(layer: Layer) -> Layer:
    """Return what a layer says about the options that commands have in common."""
    return Layer(values={k: raw for k, raw in layer.values.items() if k in COMMON})
