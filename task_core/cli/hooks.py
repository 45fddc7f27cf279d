"""Loads hook plugins, if there are any, and lets them see what a command sends."""

import logging
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from msgspec.structs import replace

from task_core.api.message import Message
from task_core.api.part import Sender
from task_core.api.plugin import NoOptions
from task_core.cli.stdout import diverted_stdout
from task_core.config.selection import Settings
from task_core.config.sources import (
    NoFile,
    Section,
    Source,
    environment_layer,
    neighbours,
    variable_prefix,
)
from task_core.discovery.catalog import Catalog
from task_core.discovery.found import Found
from task_core.errors import OptionError, nearest
from task_core.launcher.plan import Hooks, NoHooks
from task_core.wire import decode_task, encode_task

log = logging.getLogger("task")
_ALL = Section(options=NoOptions, table=("hooks",))


class Configured(Collection[str]):
    """The hooks for which something is set.

    Args:
        toml: The configuration file.
        environment: The environment variables.
        names: Of those that are installed.
    """

    def __init__(
        self,
        toml: Source,
        environment: Mapping[str, str] = os.environ,
        names: Collection[str] = (),
    ) -> None:
        self._tables = toml.layer(_ALL).unknown
        unknown = environment_layer(_ALL, environment).unknown
        self._variables = [f"{_ALL.env_prefix}{name.upper()}" for name in unknown]
        self._names = names

    def __contains__(self, name: object) -> bool:
        table = ("hooks", str(name))
        others = partial(neighbours, table, self._names)
        section = Section(options=NoOptions, table=table, others=others)
        return str(name).replace("-", "_") in self._tables or any(
            map(section.owns_variable, self._variables)
        )

    def __iter__(self) -> Iterator[str]:
        return iter((*self._tables, *self._variables))

    def __len__(self) -> int:
        return len(self._tables) + len(self._variables)

    def strays(self, names: Collection[str]) -> list[str]:
        """Return what is wrong with it: settings of hooks that are not there.

        Args:
            names: Of those that are.
        """
        from task_core.discovery.explain import shipped

        known = {name.replace("-", "_") for name in names}
        problems = []
        for name, place in self._tables.items():
            if name not in known:
                way = shipped("hooks", name)
                hint = nearest(name, names) or (f"; {way}" if way else "")
                text = f"nothing reads [hooks.{name}]: no hooks '{name}' are installed"
                problems.append(f"{place}: {text}{hint}")
        prefixes = tuple(variable_prefix(("hooks", name)) for name in known)
        return problems + [
            f"environment {variable}: nothing reads it: no hooks of that name are"
            " installed"
            for variable in self._variables
            if not variable.startswith(prefixes)
        ]


def load_hooks(
    catalog: Catalog,
    more: Sequence[str] = (),
    *,
    required: bool = False,
    toml: Source | None = None,
    sends_once: bool = False,
) -> Hooks:
    """Return who listens; without hook plugins their engine is not even imported.

    Args:
        catalog: What is installed.
        more: Files, modules or names that are asked for: those must work.
        required: Whether those that are installed must work as well.
        toml: The configuration file, for their options.
        sends_once: Whether they are asked what was sent before: all that may know.

    Raises:
        FrameworkError: One that must work does not.
    """
    toml = toml or NoFile()
    names: Collection[str] = catalog.names("hooks")
    configured = Configured(toml, names=names)
    found = catalog.hooks_at_work(None if sends_once else configured)
    given = [catalog.choose("hooks", text)[0] for text in more]
    if configured:
        names = [*names, *map(_name_of, given)]
        _tell(configured.strays(names), required=required)
    if not (found or given):
        return NoHooks()
    from task_core.config.hooks import hook_options
    from task_core.discovery.hooks import Listeners
    from task_core.discovery.loader import load

    configure = partial(hook_options, toml=toml, names=names)
    with diverted_stdout():  # what a plugin prints when imported is no data
        listeners = Listeners.load(found, required=required, configure=configure)
        known: list[object] = []
        for plugin in given:
            implementation = load(plugin)
            # A flag may name what a file names as well, or by another path.
            if plugin not in found and all(implementation is not x for x in known):
                known.append(implementation)
                listeners.add(plugin, implementation)
    return listeners


def _name_of(given: Found) -> str:
    """Return what the table of hooks in a file is called: as their manifest is."""
    from task_core.discovery.loader import load

    with diverted_stdout():
        return str(getattr(load(given), "name", given.name))


def _tell(strays: Sequence[str], *, required: bool) -> None:
    """Tell of settings for hooks that are not there: nothing does what they say."""
    if strays and required:
        raise OptionError(strays)
    for stray in strays:  # the file may serve machines that have other plugins
        log.warning("%s", stray)


def hooks_of(settings: Settings, *, sends_once: bool = False) -> Hooks:
    """Return who listens to what a command does that has the options of hooks."""
    options = settings.command
    return load_hooks(
        settings.catalog,
        options.hooks,
        required=options.require_hooks,
        toml=settings.toml,
        sends_once=sends_once,
    )


class ToldSender:
    """A producer whose messages hooks may change, and are told of.

    Args:
        producer: What sends.
        hooks: Who listens.
        unique: Seconds for which the like of a task is refused, or None.
    """

    def __init__(
        self, producer: Sender, hooks: Hooks, unique: float | None = None
    ) -> None:
        self._producer = producer
        self._unique = unique
        self._hooks = hooks
        self._before_send = hooks.decider("task_before_send")
        self._on_sent = hooks.observer("task_sent")

    def send(self, messages: Sequence[Message]) -> None:
        """Send, and return when all are confirmed."""
        if self._before_send is not None:
            messages = [self._decided(message) for message in messages]
        with self._claimed(messages):
            self._producer.send(messages)
        if self._on_sent is not None and messages:
            self._on_sent(messages=messages)

    def _claimed(self, messages: Sequence[Message]) -> AbstractContextManager[None]:
        if self._unique is None:
            return nullcontext()
        from task_core.discovery.claims import Claims

        tasks = [decode_task(message.body) for message in messages]
        topics = [message.topic for message in messages]
        return Claims(self._hooks).taken(tasks, topics, self._unique)

    def _decided(self, message: Message) -> Message:
        assert self._before_send is not None
        task = decode_task(message.body)
        topic = message.topic
        task = self._before_send(task=task, topic=topic, parent=None) or task
        return replace(message, body=encode_task(task))
