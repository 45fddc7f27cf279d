"""The end of a worker: its `close`, which may raise, take long or never end."""

import logging
import sys
import threading
from collections.abc import Callable

from task_core.api.worker import describe
from task_core.clock import Clock
from task_core.launcher.handover import Handover
from task_core.launcher.stop import Stop

LEAST = 1.0
"""Seconds that a worker's `close` always has, also when the grace is over."""
LEAST_IN_A_HURRY = 0.5
"""Seconds that it has when a stop was asked for twice."""
LONGEST_WAIT = 60.0
"""Seconds after which to look again, though nothing happens."""


class Closing:
    """Calls `close` in a thread, so that a stop ends the wait, whenever it comes.

    Args:
        close: The worker's.
        stop: Tells whether somebody wants the end, and how much of the grace is left.
        handover: Wakes the bus thread.
        clock: Measures.
        log: Is told what went wrong: the author's business, and no end.
    """

    def __init__(
        self,
        close: Callable[[], None],
        stop: Stop,
        handover: Handover,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._close = close
        self._stop = stop
        self._handover = handover
        self._clock = clock
        self._log = log
        self._asked: float | None = None
        self._ended = False

    def run(self) -> None:
        """Close; after a stop, for no longer than what is left of the grace."""
        thread = threading.Thread(target=self._run, name="close", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the slots have used up what the system starts
            self._run()
        while not self._ended and (left := self._left()) > 0:
            self._handover.sleep(left, wake_at=sys.maxsize)
        if not self._ended:
            self._log.warning("the worker's close() does not end: left behind")

    def _left(self) -> float:
        """Seconds that it may still take."""
        if not self._stop.requested:
            return LONGEST_WAIT
        self._stop.begins_grace()
        if self._asked is None:
            self._asked = self._clock.monotonic()
        waited = self._clock.monotonic() - self._asked
        if self._stop.hurries:
            return LEAST_IN_A_HURRY - waited
        return max(LEAST - waited, self._stop.grace_left)

    def _run(self) -> None:
        try:
            close_worker(self._close, self._log)
        finally:
            self._ended = True
            self._handover.call()


def close_worker(close: Callable[[], None], log: logging.Logger) -> None:
    """Close a worker; what that raises is its author's business, and told.

    Args:
        close: The worker's.
        log: Is told.
    """
    try:
        close()
    except (Exception, SystemExit) as error:
        log.warning("the worker's close() raised %s", describe(error))
        log.debug("the traceback", exc_info=error)
