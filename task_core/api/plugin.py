"""The manifests: what an entry point names. Light modules, no client library.

`api` is an integer for each kind. Additive change never bumps it; the core accepts
the range in `API_VERSIONS`.
"""

import builtins
from collections.abc import Callable
from importlib import import_module
from reprlib import repr as short
from typing import Any

import attrs

from task_core.api.bus import Bus, BusContext
from task_core.api.capabilities import Capabilities
from task_core.api.part import a_kind_of
from task_core.api.run_defaults import RunDefaults
from task_core.api.taskmaster import (
    Taskmaster,
)
from task_core.api.worker import Worker
from task_core.task import Task

API_VERSIONS = dict.fromkeys(
    ("bus", "worker", "taskmaster", "hooks", "command"), (1, 1)
)
"""Oldest and newest API number that this core accepts, by kind."""


def accepted_api(kind: str) -> tuple[int, int]:
    """Return the oldest and the newest API number that this core accepts."""
    return API_VERSIONS[kind]


class Late:
    """A function that is imported when it is called.

    Args:
        place: Where it is: `module:function`.
    """

    def __init__(self, place: str) -> None:
        self.place = place

    def __call__(self, *args: Any) -> Any:
        """Import it and call it."""
        return self.find()(*args)

    def find(self) -> Any:
        """Import it."""
        module, _, path = self.place.partition(":")
        target: Any = import_module(module)
        for name in filter(None, path.split(".")):
            target = getattr(target, name)
        return target


def late(function: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that may be given as text: then it is imported when called.

    Example:
        >>> late("os.path:basename")("/a/b")
        'b'
    """
    return Late(function) if isinstance(function, str) else function


@attrs.frozen(kw_only=True, eq=False)
class NoOptions:
    """Options class of a plugin that has none."""


@attrs.frozen(kw_only=True, eq=False)
class BusPlugin:
    """Manifest of a bus (entry-point group `task_core.bus`).

    Args:
        name: As the entry point says it, for example `nsq`.
        summary: One line for lists.
        options: The attrs class of its options.
        capabilities: What it can do, whatever the options.
        open: Makes the bus; imports the heavy module inside. It may also be text:
            `"task_bus_x.bus:open"` is imported when the bus is opened.
        api: The API number that it was written for.
    """

    name: str
    summary: str
    capabilities: Capabilities
    open: Callable[[Any, BusContext], Bus] = attrs.field(repr=False, converter=late)
    options: type = NoOptions
    api: int = 1


@attrs.frozen(kw_only=True, eq=False)
class WorkerPlugin:
    """Manifest of a worker (entry-point group `task_core.worker`).

    Args:
        name: As the entry point says it.
        summary: One line for lists.
        make: Takes the options, returns the `Worker` or the function that does tasks;
            or where that function is, as text.
        task_type: The type of the tasks that it does; its name when empty.
        strict: Refuse an info string with a key that its parameters do not have;
            otherwise such keys are overlooked, as the Go system does, and doubtful
            values are read as there (see `parse_info`).
        type_of: Takes the options, returns that type, when it depends on them.
        options: The attrs class of its options.
        defaults: What holds for its runs where nothing else is said.
        target: What was decorated with `@worker`, so that it can still be called.
        api: The API number that it was written for.
    """

    name: str
    summary: str
    make: Callable[[Any], Worker | Callable[..., Any]] = attrs.field(
        repr=False, converter=late
    )
    task_type: str = ""
    strict: bool = True
    type_of: Callable[[Any], str] | None = attrs.field(default=None, repr=False)
    options: builtins.type = NoOptions
    defaults: RunDefaults = attrs.field(factory=RunDefaults)
    target: Callable[..., Any] | None = attrs.field(default=None, repr=False)
    api: int = 1

    @property
    def type(self) -> str:
        """The type of the tasks that it does."""
        return self.task_type or self.name

    @property
    def topic(self) -> str:
        """The topic that it reads where nothing else is said."""
        return self.defaults.topic or self.type

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call what was decorated, as if it were not: in tests, or from other code."""
        if self.target is None:
            raise TypeError(f"worker '{self.name}' was not made with @worker")
        return self.target(*args, **kwargs)

    def task(self, *args: Any, **fields: Any) -> Task:
        """Return a new task for this worker, checked against its parameters.

        Args:
            args: The info, or one object of the class of parameters.
            fields: Parameters by name; `job`, `meta` and `id` are the task's.

        Raises:
            TypeError: A parameter is missing, unknown or of a wrong type.

        Example:
            >>> from task_core.api import worker
            >>> @worker
            ... def hello(info: str) -> str:
            ...     return f"Hello {info}"
            >>> hello("Ada"), hello.task("Ada").info
            ('Hello Ada', 'Ada')
        """
        # Only for programs that make tasks: a launch has no use for it.
        from task_core.api.making import make_task  # noqa: PLC0415

        return make_task(self.type, self.target, args, fields)


@attrs.frozen(kw_only=True, eq=False)
class TaskmasterPlugin:
    """Manifest of a taskmaster (entry-point group `task_core.taskmaster`).

    Args:
        name: As the entry point says it.
        summary: One line for lists.
        make: Takes the options, returns the taskmaster; or where that is, as text.
        options: The attrs class of its options.
        api: The API number that it was written for.
    """

    name: str
    summary: str
    make: Callable[[Any], Taskmaster] = attrs.field(repr=False, converter=late)
    options: type = NoOptions
    api: int = 1


def not_a_task(thing: object) -> str:
    """Say that something is no task, and how to get one."""
    if isinstance(thing, WorkerPlugin):
        return (
            f"a task is wanted, not the worker '{thing.name}': {thing.name}.task(…)"
            " makes one, and checks it"
        )
    simple = isinstance(thing, str | bytes | int | float)
    shown = short(thing) if simple else a_kind_of(thing)
    return f"a task is wanted, not {shown}: make one with Task.new"
