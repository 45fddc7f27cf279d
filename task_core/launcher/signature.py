"""How to call a worker: its signature is read once, a task only pays for the call."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from task_core.api.decorators import name_of
from task_core.api.plugin import NoOptions, WorkerPlugin
from task_core.api.worker import Worker, WorkerContext, signature_of
from task_core.errors import WorkerError
from task_core.fields import is_record
from task_core.info import parser_of
from task_core.launcher.context import Call
from task_core.launcher.run import (
    INFO,
    FirstArgument,
    with_both,
    with_context,
    with_one,
)
from task_core.task import Task

AnyWorker = WorkerPlugin | Worker | Callable[..., Any]
"""A plugin (what `@worker` returns), a `Worker` object, or a function."""


def as_plugin(worker: AnyWorker) -> WorkerPlugin:
    """Return the manifest of a worker; of one that has none, its name is the type."""
    if isinstance(worker, WorkerPlugin):
        return worker
    return WorkerPlugin(name=name_of(worker), summary="", make=lambda options: worker)


def make_call(plugin: WorkerPlugin, options: Any = None) -> tuple[Call, Any]:
    """Make the worker of a plugin; return it ready to be called, and its options."""
    if options is None:
        options = plugin.options()
    made = plugin.make(options)
    try:
        call = compile_call(made, strict=plugin.strict)
    except WorkerError as error:
        # Of an installed plugin, it tells whose it is.
        blame = getattr(plugin.make, "blame", None)
        raise blame(error) if blame else error from None
    return call, None if plugin.options is NoOptions else options


def compile_call(worker: Worker | Callable[..., Any], *, strict: bool = True) -> Call:
    """Work out how to call what a manifest's `make` returned.

    Args:
        worker: What it returned.
        strict: Whether an info string may only have keys that the parameters have.

    Raises:
        WorkerError: It is no worker, or asks for parameters that nobody can give.
    """
    if isinstance(worker, Worker):
        do_task = worker.do_task
        _refuse_generator(do_task, f"{type(worker).__name__}.do_task")
        return Call(
            invoke=with_context(do_task),
            is_async=_is_async(do_task),
            wants_context=True,
            sees_task=True,
            close=worker.close,
        )
    if inspect.isclass(worker) or not callable(worker):
        raise WorkerError(_no_worker(worker))
    _refuse_generator(worker, _name_of(worker))
    first, wants_context = _read_signature(worker, strict)
    return Call(
        invoke=with_both(worker, first) if wants_context else with_one(worker, first),
        is_async=_is_async(worker),
        wants_context=wants_context,
        sees_task=wants_context or first is _itself,
        close=lambda: None,
    )


def _no_worker(thing: object) -> str:
    """Say that something is no worker; of a class its name, not where it is kept."""
    hint = "give a function or a Worker"
    kind = thing if isinstance(thing, type) else type(thing)
    if kind.__module__ == "builtins":
        return f"not a worker but {thing!r}: {hint}"
    name = kind.__name__
    if issubclass(kind, Worker):
        return f"not a worker but the class {name}: {hint}, {name}()"
    return f"not a worker but of the class {name}: {hint}, class {name}(Worker)"


def _is_async(function: Callable[..., Any]) -> bool:
    """Whether a call returns something to await: also under decorators."""
    inner = inspect.unwrap(function)
    called = getattr(type(inner), "__call__", None)  # noqa: B004  is it async?
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(called)


def _name_of(function: Callable[..., Any]) -> str:
    inner = function.func if isinstance(function, partial) else function
    return str(getattr(inner, "__name__", repr(inner)))


def _refuse_generator(function: Callable[..., Any], name: str) -> None:
    """Refuse what only begins when somebody asks for its values: nobody does.

    A decorator may do so: what is behind one does not count.
    """
    for one in (function, getattr(type(function), "__call__", None)):  # noqa: B004
        if inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one):
            raise WorkerError(
                f"worker '{name}' has a yield, so a call does nothing: write return in"
                " place of yield, and ctx.send(task) for each task to send"
            )


_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def _itself(task: Task) -> Task:
    return task


def _read_signature(
    function: Callable[..., Any], strict: bool
) -> tuple[FirstArgument, bool]:
    """Return how a task gives the first argument, and whether a context follows."""
    name = _name_of(function)
    try:
        signature = signature_of(function)
    except TypeError as error:
        raise WorkerError(f"worker '{name}': {error}") from None
    positional = [p for p in signature.parameters.values() if p.kind in _POSITIONAL]
    if not _callable_with_two(signature, positional):
        raise WorkerError(
            f"worker '{name}' must take one parameter (info, a task or parameters) and"
            f" may take a context as the second, not {signature}"
        )
    second = positional[1] if positional[1:] else None
    wants_context = second is not None and (
        second.default is second.empty or second.annotation is WorkerContext
    )
    return _first_argument(name, positional[0], strict), wants_context


def _callable_with_two(
    signature: inspect.Signature, positional: list[inspect.Parameter]
) -> bool:
    needed = [
        parameter
        for parameter in signature.parameters.values()
        if parameter not in positional[:2]
        and parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return bool(positional) and not needed


def _first_argument(
    name: str, parameter: inspect.Parameter, strict: bool
) -> FirstArgument:
    kind = parameter.annotation
    plain = kind is parameter.empty
    if kind is WorkerContext or (plain and parameter.name in ("ctx", "context")):
        raise WorkerError(
            f"worker '{name}': the context comes second, for example"
            f" def {name}(info: str, ctx: WorkerContext)"
        )
    if kind is str or plain:
        return INFO
    if kind is Task:
        return _itself
    if is_record(kind):
        return _params_reader(kind, strict)
    raise WorkerError(
        f"worker '{name}': parameter '{parameter.name}' must be str, Task or an attrs"
        f" class (a dataclass or a msgspec Struct will do), not {kind}"
    )


def _params_reader(params: type, strict: bool) -> FirstArgument:
    read = parser_of(
        params, strict
    )  # refuses a class that no text can fill, at the start
    return lambda task: read(task.info)
