"""What is told of the code of others that raised."""

import logging
import os
import sys
import threading
import time
from datetime import timedelta
from types import TracebackType

from task_core.api.worker import describe
from task_core.discovery.installed import installed
from task_core.errors import PluginError
from task_core.values import format_duration

_LIBRARIES = {"attr", "attrs", "click", "msgspec", "pluggy", "stevedore"}
"""What is used by our code, so that an error in it is ours."""

_CALLERS = ("task_core.api.taskmaster", "task_core.launcher.taskmasters.loop")
"""What calls the code of a taskmaster."""
LOOKS, BETWEEN_LOOKS = 5, 0.02
"""How often, and after how many seconds, one is looked at that does not end."""

log = logging.getLogger("task")


def raised(whose: str, error: BaseException) -> PluginError:
    """Return what is told of the error of a taskmaster; its author sees where it was.

    Args:
        whose: What it is, and who brings it.
        error: What it raised.
    """
    trace = _author_frames(error.__traceback__)
    log.error("the taskmaster raised", exc_info=(type(error), error, trace))
    fix = ": tell its author" if " of " in whose else ""
    return PluginError(f"{whose} raised {describe(error)}{fix}")


def _author_frames(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of the core, which calls and is called."""
    kept, one = [], trace
    while one:
        if not _is_ours(one.tb_frame.f_globals.get("__name__", "")):
            kept.append(one)
        one = one.tb_next
    shown = None
    for one in reversed(kept):
        shown = TracebackType(shown, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return shown or trace


def not_returned(whose: str, kill_time: timedelta) -> str:
    """Return what is told of a taskmaster that does not end, if it is to blame.

    Args:
        whose: What it is, and who brings it.
        kill_time: How long it had.
    """
    for _ in range(LOOKS):
        if _author_is_at_work():
            limit = format_duration(kill_time)
            return (
                f"{whose} did not return within --kill-time ({limit}) and is left as"
                " it is: look at ctx.stopping, or at what ctx.wait returns"
            )
        time.sleep(BETWEEN_LOOKS)  # it may be sending just now
    return ""


def _author_is_at_work() -> bool:
    """Whether a loop is in code of its author's, and not in that of its bus."""
    frames = sys._current_frames()  # noqa: SLF001  it is public in all but name
    for thread in threading.enumerate():
        if thread.name == "bus" or thread.name.startswith("bus-"):
            frame = frames.get(thread.ident or 0)
            while frame and not _is_ours(frame.f_globals.get("__name__", "")):
                frame = frame.f_back
            if frame and frame.f_globals["__name__"] in _CALLERS:
                return True
    return False


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
