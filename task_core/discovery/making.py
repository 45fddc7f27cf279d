"""Makes what is free to make of a manifest: the doctor connects to nothing."""

import dis
import inspect
from types import CodeType, FunctionType
from typing import Any

from task_core.api.loops import check_loop, loops_of
from task_core.api.plugin import Late, NoOptions
from task_core.api.taskmaster import Taskmaster
from task_core.discovery.explain import broken
from task_core.discovery.found import Found
from task_core.discovery.guard import blaming
from task_core.task import Task

_WORKS = ("CALL", "IMPORT", "JUMP_BACKWARD", "YIELD", "RETURN_GENERATOR")
"""What is in the names of instructions that may take long, or reach out."""


def make_freely(found: Found, manifest: Any) -> Any:
    """Return the worker or taskmaster of a manifest if it is free to make, else None.

    A function that calls nothing is free to call, and a class without an `__init__` of
    its own to make. Of others it is seen whether they could be made.

    Args:
        found: The plugin.
        manifest: Its manifest, guarded.

    Raises:
        PluginError: It cannot be made, or nothing can be done with what is made.
    """
    if found.kind not in ("worker", "taskmaster"):
        return None
    made = _made_of(manifest.make.call)
    if isinstance(made, type):
        _check_class(found, made, with_options=manifest.options is not NoOptions)
        free = _init_of(made) in (object.__init__, Taskmaster.__init__)
        if not free and getattr(made, "loops", None) is Taskmaster.loops:
            with blaming(manifest):
                check_loop(object.__new__(made).run)  # none of its own code runs
    else:
        code = getattr(made, "__code__", None)
        _check_taken(found, made)
        _check_end(found, code, "`make`")
        free = code is not None and is_free(code)
    if not free or not _has_defaults(manifest.options):
        return None
    with blaming(manifest):
        return _with_loops(manifest.make(manifest.options()))


def is_free(code: CodeType) -> bool:
    """Whether a function calls nothing, imports nothing and has no loop."""
    names = {one.opname for one in dis.get_instructions(code)}
    return not any(word in name for name in names for word in _WORKS)


def _made_of(call: Any) -> Any:
    """Return the function or class behind what makes it."""
    call = call.find() if isinstance(call, Late) else call
    if not isinstance(call, FunctionType):
        return call
    decorated = inspect.getclosurevars(call).nonlocals.get("target")
    return decorated if isinstance(decorated, type) else call


def _init_of(made: type) -> Any:
    return inspect.getattr_static(made, "__init__")


def _has_defaults(options: type) -> bool:
    try:
        options()
    except Exception:  # noqa: BLE001  what is wrong with them is told elsewhere
        return False
    return True


def _check_taken(found: Found, function: Any) -> None:
    """See that a function does not take a task: then it is the worker itself.

    Raises:
        PluginError: It does.
    """
    try:
        parameters = [*inspect.signature(function).parameters.values()]
    except (ValueError, TypeError):  # one of C tells nobody
        return
    taken = parameters[0].annotation if parameters else None
    if taken in (str, Task, "str", "Task"):
        name = getattr(function, "__name__", "it")
        text = "`make` takes the options and returns the worker, and this takes a task"
        raise broken(found, f"{text}: make=lambda options: {name}")


def _check_class(found: Found, made: type, *, with_options: bool) -> None:
    """See that a class can be made as it will be.

    Raises:
        PluginError: It cannot.
    """
    if lacking := getattr(made, "__abstractmethods__", None):
        raise broken(
            found, f"the class {made.__name__} has no {', '.join(sorted(lacking))}"
        )
    given = ["options"] if with_options else []
    try:
        inspect.signature(made).bind(*given)
    except TypeError:
        wanted = "the options alone" if with_options else "no arguments"
        text = f"{made.__name__}{inspect.signature(made)} is made with {wanted}"
        raise broken(found, text) from None
    except ValueError:  # one of C tells nobody
        return
    _check_end(
        found, getattr(_init_of(made), "__code__", None), f"{made.__name__}.__init__"
    )


def _check_end(found: Found, code: CodeType | None, name: str) -> None:
    """See that a function can return.

    Raises:
        PluginError: It can only raise, or go on for ever.
    """
    if code is not None and not any(
        one.opname.startswith(("RETURN", "YIELD")) for one in dis.get_instructions(code)
    ):
        raise broken(found, f"{name} never returns: it can only raise")


def _with_loops(made: Any) -> Any:
    """Ask a taskmaster for its loops, where that is free.

    Raises:
        PluginContractError: They are none, or one cannot be called.
    """
    if isinstance(made, Taskmaster):
        code = getattr(type(made).loops, "__code__", None)
        if code is not None and is_free(code):
            loops_of(made)
    return made
