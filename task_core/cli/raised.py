"""What is told of a taskmaster that raised."""

import logging
from types import TracebackType

from task_core.api.worker import describe
from task_core.errors import PluginError

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
