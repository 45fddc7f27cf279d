"""What is told of the code of others that raised."""

import logging
import os
import sys
from types import TracebackType

from task_core.api.worker import describe
from task_core.discovery.installed import installed
from task_core.errors import PluginError

_LIBRARIES = {"attr", "attrs", "click", "msgspec", "pluggy", "stevedore"}
"""What is used by our code, so that an error in it is ours."""

log = logging.getLogger("task")


def raised(name: str, error: BaseException) -> PluginError:
    """Show its author where it was; it is no bug of ours."""
    trace = _author_frames(error.__traceback__)
    log.error("the taskmaster raised", exc_info=(type(error), error, trace))
    return PluginError(f"taskmaster '{name}' raised {describe(error)}")


def _author_frames(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of the core that called it."""
    begin = trace
    while begin and _is_ours(begin.tb_frame.f_globals.get("__name__", "")):
        begin = begin.tb_next
    return begin or trace


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "task_core"


def left_our_code(error: BaseException) -> tuple[str, TracebackType | None]:
    """Return the place of an error of somebody else's code, and the frames since ours.

    Empty when it is an error of ours, or of what we use.
    """
    trace, begin, place, package = error.__traceback__, None, "", ""
    while trace:
        name = trace.tb_frame.f_globals.get("__name__", "")
        top = name.partition(".")[0]
        if top == "task_core":
            begin, place = None, ""
        elif top not in _LIBRARIES and top not in sys.stdlib_module_names:
            begin = begin or trace
            file = os.path.basename(trace.tb_frame.f_code.co_filename)
            place, package = f"{name} ({file}:{trace.tb_lineno})", top
        trace = trace.tb_next
    return place and place + _of_whom(package), begin


def _of_whom(package: str) -> str:
    """Say which distribution brings a package, if it is one of a plugin."""
    owners = [one.owner for one in installed(sys.path) if one.top == package]
    return f" of {owners[0]}" if owners else ""
