"""What `hello.task("Ada")` makes: a task that fits the worker, or an error at once."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from task_core.api.info_text import format_info
from task_core.api.worker import LAMBDA, signature_of
from task_core.errors import InfoError, nearest
from task_core.fields import fields_of, is_record
from task_core.task import Task

OF_THE_TASK = ("job", "meta", "id")
"""Fields of a task that may be given beside the parameters."""


def make_task(
    type: str,
    target: Callable[..., Any] | None,
    arguments: tuple[Any, ...],
    fields: Mapping[str, Any],
) -> Task:
    """Return a new task for a worker.

    Args:
        type: The worker's type.
        target: The decorated function; None: nothing is known of its parameters.
        arguments: The info, or nothing.
        fields: Parameters by name, and `job`, `meta` and `id` of the task.

    Raises:
        TypeError: A parameter is missing, unknown or of a wrong type; or what the
            parameters are cannot be told; or a lambda has no type.
    """
    if type == LAMBDA:
        raise TypeError("a lambda has no name: give one, or write the worker with def")
    try:
        params = _params_of(target)
        names = {field.argument for field in fields_of(params)} if params else set()
    except (TypeError, NameError) as error:
        raise TypeError(f"{type}: {error}") from None
    own = {name: fields[name] for name in OF_THE_TASK if name in {*fields} - names}
    rest = {name: value for name, value in fields.items() if name not in own}
    if params is None:
        return Task.new(type, _info(type, arguments, rest), **own)
    if arguments and not (len(arguments) == 1 and isinstance(arguments[0], params)):
        raise TypeError(f"{type}: give parameters by name, or one {params.__name__}")
    value = arguments[0] if arguments else _build(type, params, rest)
    try:
        return Task.new(type, format_info(value), **own)
    except InfoError as error:
        raise TypeError(f"{type}: {error}") from None


def _params_of(target: Callable[..., Any] | None) -> Any:
    """Return the class of the first parameter, or None when it is the info itself."""
    if target is None or inspect.isclass(target):
        return None
    parameters = list(signature_of(target).parameters.values())
    kind = parameters[0].annotation if parameters else None
    return kind if is_record(kind) and kind is not Task else None


def _info(type: str, arguments: tuple[Any, ...], rest: Mapping[str, Any]) -> str:
    if rest:
        raise TypeError(f"{type}: there is no parameter '{next(iter(rest))}'")
    if len(arguments) > 1 or not all(isinstance(one, str) for one in arguments):
        raise TypeError(f"{type}: the info is one text, not {arguments!r}")
    return arguments[0] if arguments else ""


def _build(type: str, params: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    try:
        return params(**values)
    except (TypeError, ValueError) as error:
        text = _misfit(params, values) or str(error)
        raise TypeError(f"{type}: {text}") from None


def _misfit(params: Callable[..., Any], values: Mapping[str, Any]) -> str:
    """Say which parameter is unknown or missing; nothing when all are as they are."""
    known = inspect.signature(params).parameters
    for name in values:
        if name not in known:
            return f"there is no parameter '{name}'{nearest(name, known)}"
    for name, one in known.items():
        if name not in values and one.default is one.empty:
            return f"parameter '{name}' is missing"
    return ""
