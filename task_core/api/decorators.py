"""`@worker` and `@taskmaster`: a function or class becomes a manifest."""

import inspect
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, overload

import attrs

from task_core.api.plugin import NoOptions, TaskmasterPlugin, WorkerPlugin
from task_core.api.run_defaults import RunDefaults
from task_core.api.taskmaster import (
    FunctionTaskmaster,
    Taskmaster,
    TaskmasterContext,
)
from task_core.api.worker import Worker
from task_core.errors import WorkerError, nearest

_OWN = ("name", "task_type", "strict", "options")
Target = Callable[..., Any] | type[Worker]
Master = Callable[[TaskmasterContext], None] | type[Taskmaster]


@overload
def worker(target: Target, /) -> WorkerPlugin: ...
@overload
def worker(
    *,
    name: str | None = None,
    task_type: str = "",
    strict: bool = True,
    options: type = NoOptions,
    retries: int | None = None,
    retry_delay: str | timedelta | None = None,
    retry_on: type[BaseException] | tuple[type[BaseException], ...] = (),
    timeout: str | timedelta | None = None,
    topic: str = "",
    pool: str | None = None,
    max_tasks_per_child: int | None = None,
    max_memory_per_child: str | None = None,
) -> Callable[[Target], WorkerPlugin]: ...
def worker(
    target: Target | None = None,
    /,
    *,
    name: str | None = None,
    task_type: str = "",
    strict: bool = True,
    options: type = NoOptions,
    **defaults: Any,
) -> WorkerPlugin | Callable[[Target], WorkerPlugin]:
    """Turn a function or a `Worker` class into a plugin.

    The result is an entry point as it stands; its `make` gives the target back.

    Args:
        target: The function or class.
        name: The worker's name; when not given that of the function as it is written,
            or that of the class in lower case.
        task_type: The type of the tasks; the name when empty.
        strict: A key of an info string that the parameters do not have is an error of
            the task, which names the nearest; with False it is overlooked, as the Go
            system does, and doubtful values are read as there (see `parse_info`).
        options: An attrs class; a function reads them from `ctx.options`, a class
            takes them as its only argument.
        defaults: Fields of `RunDefaults` (`retries`, `retry_delay`, `retry_on`,
            `timeout`, `topic`, `pool` and the limits of its processes); flags,
            environment and TOML are stronger.

    Raises:
        TypeError, ValueError: One of the arguments makes no sense.

    Example:
        >>> @worker
        ... def hello(info: str) -> str:
        ...     "Greet."
        ...     return f"Hello {info}"
        >>> (hello.name, hello.summary)
        ('hello', 'Greet.')
    """
    _check(name, task_type, options)
    declared = _declared(defaults)

    def declare(target: Target) -> WorkerPlugin:
        if not callable(target):
            raise WorkerError(f"@worker needs a function or a class, not {target!r}")
        return WorkerPlugin(
            name=name or name_of(target),
            summary=_first_line(target),
            make=_maker(target, options),
            task_type=task_type,
            strict=strict,
            options=options,
            defaults=declared,
            target=target,
        )

    return declare if target is None else declare(target)


@overload
def taskmaster(target: Master, /) -> TaskmasterPlugin: ...
@overload
def taskmaster(
    *, name: str | None = None, options: type = NoOptions
) -> Callable[[Master], TaskmasterPlugin]: ...
def taskmaster(
    target: Master | None = None,
    /,
    *,
    name: str | None = None,
    options: type = NoOptions,
) -> TaskmasterPlugin | Callable[[Master], TaskmasterPlugin]:
    """Turn a function or a `Taskmaster` class into a plugin.

    Args:
        target: A function that takes the context, or the class.
        name: The taskmaster's name; when not given that of the function as it is
            written, or that of the class in lower case.
        options: An attrs class; only for classes, which take them as their argument.

    Example:
        >>> @taskmaster
        ... def greeter(ctx: TaskmasterContext) -> None:
        ...     "Greet once."
        ...     ctx.send(Task.new("hello", "World"))
        >>> (greeter.name, greeter.summary)
        ('greeter', 'Greet once.')
    """
    _check(name, "", options)

    def declare(target: Master) -> TaskmasterPlugin:
        if not callable(target):
            text = f"@taskmaster needs a function or a class, not {target!r}"
            raise WorkerError(text)
        if not inspect.isclass(target) and options is not NoOptions:
            raise WorkerError(
                f"{name_of(target)}: a taskmaster with options is a class"
            )
        return TaskmasterPlugin(
            name=name or name_of(target),
            summary=_first_line(target),
            make=(_maker if inspect.isclass(target) else _runner)(target, options),
            options=options,
        )

    return declare if target is None else declare(target)


def _check(name: Any, task_type: Any, options: Any) -> None:
    """Refuse arguments that nothing could be made of."""
    for argument, value in (("name", name), ("task_type", task_type)):
        if not (value is None or isinstance(value, str)):
            raise TypeError(f"{argument}: a text is wanted, not {value!r}")
    if name == "":
        raise ValueError("name: it is empty; leave it out to take that of the function")
    if not (isinstance(options, type) and attrs.has(options)):
        raise TypeError(f"options: an attrs class is wanted, not {options!r}")


def _declared(defaults: dict[str, Any]) -> RunDefaults:
    known = (*_OWN, *attrs.fields_dict(RunDefaults))
    for argument in defaults:
        if argument not in known:
            hint = nearest(argument, known)
            raise TypeError(f"@worker has no argument '{argument}'{hint}")
    return RunDefaults(**defaults)


def _runner(function: Callable[..., Any], options: type) -> Callable[[Any], Taskmaster]:
    made = FunctionTaskmaster(function)  # it keeps nothing: one will do for all
    return lambda values: made


def _maker(target: Target | Master, options: type) -> Callable[[Any], Any]:
    if not inspect.isclass(target):
        return lambda values: target
    if options is NoOptions:
        return lambda values: target()
    return target


def name_of(target: Any) -> str:
    """Return the name of a function as it is written, of a class in lower case.

    Whoever sends to it finds the same topic with it, decorated or not.
    """
    target = _within(target)
    if not hasattr(target, "__name__"):  # it can be called: named after its class
        target = type(target)
    name = str(target.__name__)
    return name.lower() if inspect.isclass(target) else name


def _within(target: Any) -> Any:
    """Return what a `partial` calls, and everything else as it is."""
    return target.func if isinstance(target, partial) else target


def _first_line(target: Target | Master) -> str:
    text = inspect.getdoc(_within(target)) or ""
    return text.partition("\n")[0]
