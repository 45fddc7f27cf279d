"""Ends a process although somebody has left threads in it, and says which."""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from task_core.errors import FrameworkError

LAST_WORDS = 0.5
"""Seconds that there are at least to say how it went."""

log = logging.getLogger("task")


def leave(code: int) -> NoReturn:
    """End the process although threads are stuck in it."""
    logging.shutdown()
    os._exit(code)


def run_and_leave(run: Callable[[], int], who: str, patience: float) -> int:
    """Run, and see to it that the process ends, whatever threads are left then.

    Args:
        run: What to run; returns the exit code.
        who: Whose they are.
        patience: Seconds in which they may end by themselves.
    """
    before = set(threading.enumerate())
    code = 1
    try:
        code = run()
    except FrameworkError as error:
        code = error.exit_code
        raise
    finally:
        after = [one for one in threading.enumerate() if one not in before]
        left = [one for one in after if not one.name.startswith("slot")]
        if left:
            words = (left, who, max(patience, LAST_WORDS), code)
            threading.Thread(target=_end, args=words, name="end", daemon=True).start()
    return code


def _end(left: list[threading.Thread], who: str, patience: float, code: int) -> None:
    """Leave them behind.

    Python waits for them, also for the idle and busy ones of an executor, which count
    as daemons when a slot has made them.
    """
    time.sleep(patience)
    names = ", ".join(thread.name for thread in left if thread.is_alive())
    log.warning("threads that the %s left are still busy: %s", who, names)
    leave(code)
