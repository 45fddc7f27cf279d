"""Slows a worker down whose program is broken: a backlog is no heap of errors."""

import threading

from task_core.api import WorkerContext

FIRST_PAUSE = 0.1
LAST_PAUSE = 10.0
"""Seconds before a program is started again; they double from the first to the last."""


class Backoff:
    """Counts how often in a row a program did not even answer its first task."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0

    def wait(self, ctx: WorkerContext) -> bool:
        """Wait before the next start; return False when cancelled meanwhile."""
        failures = self._failures
        if not failures:
            return True
        pause = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 20), LAST_PAUSE)
        ctx.log.warning(
            "the program failed %d times without an answer: waiting %gs before its next"
            " start",
            failures,
            pause,
        )
        return not ctx.wait(pause)

    def note(self, works: bool) -> None:
        """Note whether a program that was started works."""
        with self._lock:
            self._failures = 0 if works else self._failures + 1
