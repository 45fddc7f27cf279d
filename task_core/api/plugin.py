"""The manifests: what an entry point names. Light modules, no client library.

`api` is an integer for each kind. Additive change never bumps it; the core accepts
the range in `API_VERSIONS`.
"""

import builtins
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, overload

import attrs

from task_core.api.bus import Bus, BusContext
from task_core.api.capabilities import Capabilities
from task_core.api.taskmaster import (
    FunctionTaskmaster,
    Taskmaster,
    TaskmasterContext,
)
from task_core.api.worker import Worker
from task_core.errors import WorkerError
from task_core.task import Task

API_VERSIONS = dict.fromkeys(("bus", "worker", "taskmaster", "command"), (1, 1))
"""Oldest and newest API number that this core accepts, by kind."""


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

    def find(self) -> Callable[..., Any]:
        """Import it."""
        module, _, path = self.place.partition(":")
        target: Any = import_module(module)
        for name in filter(None, path.split(".")):
            target = getattr(target, name)
        function: Callable[..., Any] = target
        return function


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
            otherwise such keys are overlooked, as the Go system does.
        type_of: Takes the options, returns that type, when it depends on them.
        options: The attrs class of its options.
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
    target: Callable[..., Any] | None = attrs.field(default=None, repr=False)
    api: int = 1

    @property
    def type(self) -> str:
        """The type of the tasks that it does."""
        return self.task_type or self.name

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


Target = Callable[..., Any] | type[Worker]
Master = Callable[[TaskmasterContext], None] | type[Taskmaster]


@overload
def worker(target: Target, /) -> WorkerPlugin: ...
@overload
def worker(
    *,
    name: str = "",
    task_type: str = "",
    strict: bool = True,
    options: type = NoOptions,
) -> Callable[[Target], WorkerPlugin]: ...
def worker(
    target: Target | None = None,
    /,
    *,
    name: str = "",
    task_type: str = "",
    strict: bool = True,
    options: type = NoOptions,
) -> WorkerPlugin | Callable[[Target], WorkerPlugin]:
    """Turn a function or a `Worker` class into a plugin.

    The result is an entry point as it stands; its `make` gives the target back.

    Args:
        target: The function or class.
        name: The worker's name; when empty that of the function as it is written, or
            that of the class in lower case.
        task_type: The type of the tasks; the name when empty.
        strict: A key of an info string that the parameters do not have is an error of
            the task, which names the nearest; with False it is overlooked.
        options: An attrs class; a function reads them from `ctx.options`, a class
            takes them as its only argument.

    Example:
        >>> @worker
        ... def hello(info: str) -> str:
        ...     "Greet."
        ...     return f"Hello {info}"
        >>> (hello.name, hello.summary)
        ('hello', 'Greet.')
    """

    def declare(target: Target) -> WorkerPlugin:
        if not callable(target):
            raise WorkerError(f"@worker needs a function or a class, not {target!r}")
        return WorkerPlugin(
            name=name or _own_name(target),
            summary=_first_line(target),
            make=_maker(target, options),
            task_type=task_type,
            strict=strict,
            options=options,
            target=target,
        )

    return declare if target is None else declare(target)


@overload
def taskmaster(target: Master, /) -> TaskmasterPlugin: ...
@overload
def taskmaster(
    *, name: str = "", options: type = NoOptions
) -> Callable[[Master], TaskmasterPlugin]: ...
def taskmaster(
    target: Master | None = None, /, *, name: str = "", options: type = NoOptions
) -> TaskmasterPlugin | Callable[[Master], TaskmasterPlugin]:
    """Turn a function or a `Taskmaster` class into a plugin.

    Args:
        target: A function that takes the context, or the class.
        name: The taskmaster's name; when empty that of the function as it is written,
            or that of the class in lower case.
        options: An attrs class; only for classes, which take them as their argument.

    Example:
        >>> @taskmaster
        ... def greeter(ctx: TaskmasterContext) -> None:
        ...     "Greet once."
        ...     ctx.send(Task.new("hello", "World"))
        >>> (greeter.name, greeter.summary)
        ('greeter', 'Greet once.')
    """

    def declare(target: Master) -> TaskmasterPlugin:
        if not callable(target):
            text = f"@taskmaster needs a function or a class, not {target!r}"
            raise WorkerError(text)
        if not inspect.isclass(target) and options is not NoOptions:
            raise WorkerError(
                f"{target.__name__}: a taskmaster with options is a class"
            )
        return TaskmasterPlugin(
            name=name or _own_name(target),
            summary=_first_line(target),
            make=(_maker if inspect.isclass(target) else _runner)(target, options),
            options=options,
        )

    return declare if target is None else declare(target)


def _runner(function: Callable[..., Any], options: type) -> Callable[[Any], Taskmaster]:
    return lambda values: FunctionTaskmaster(function)


class Given:
    """The `make` of a decorated function: gives it back.

    Args:
        function: What was decorated.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, values: Any) -> Callable[..., Any]:
        """Return the function, whatever the options."""
        return self.function


def _maker(target: Target | Master, options: type) -> Callable[[Any], Any]:
    if not inspect.isclass(target):
        return Given(target)
    if options is NoOptions:
        return lambda values: target()
    return target


def _own_name(target: Target | Master) -> str:
    """Return the name as it is written: others must find the same topic with it."""
    name = target.__name__
    return name.lower() if inspect.isclass(target) else name


def _first_line(target: Target | Master) -> str:
    text = inspect.getdoc(target) or ""
    return text.partition("\n")[0]
