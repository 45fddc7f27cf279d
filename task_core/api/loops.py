"""Which loops of a taskmaster can be run: a launch asks, and so does the doctor."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from task_core.api.taskmaster import Loop, Taskmaster
from task_core.errors import PluginContractError


def loops_of(taskmaster: Taskmaster) -> Sequence[Loop]:
    """Return the loops of a taskmaster, when a thread can run each of them.

    Args:
        taskmaster: What was made.

    Raises:
        PluginContractError: It is none, has no loops, or one that cannot be called.
    """
    name = type(taskmaster).__name__
    if not isinstance(taskmaster, Taskmaster):
        text = f"a taskmaster was to be made, a task_core.api.Taskmaster: it is {name}"
        raise PluginContractError(text, code="P02")
    made: Any = taskmaster.loops()
    loops = list(made) if isinstance(made, Iterable) else []
    if not loops or not all(map(callable, loops)):
        text = f"{name}.loops: functions that take a context are wanted, not {made!r}"
        raise PluginContractError(text, code="P02")
    for loop in loops:
        check_loop(loop)
    return loops


def check_loop(loop: Loop) -> None:
    """See that a call of a loop does what its author wants.

    Args:
        loop: One of a taskmaster.

    Raises:
        PluginContractError: It would fail, or do nothing.
    """
    if problem := _problem(loop):
        raise PluginContractError(problem, code="P02")


def _problem(loop: Loop) -> str:
    """Return why a call of a loop would fail, or do nothing."""
    name = getattr(loop, "__qualname__", "the loop")
    if inspect.iscoroutinefunction(inspect.unwrap(loop)):
        return f"{name} is an async def, which nobody awaits (write def)"
    if inspect.isgeneratorfunction(loop) or inspect.isasyncgenfunction(loop):
        return (
            f"{name} has a yield, so a call does nothing (write ctx.send(task) for"
            " each task to send)"
        )
    try:
        signature = inspect.signature(loop)
    except (TypeError, ValueError):  # it is not written in Python
        return ""
    try:
        signature.bind(None)
    except TypeError:
        return f"{name} must take the context alone, not {signature}"
    return ""
