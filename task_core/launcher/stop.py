"""Ending: who wants it, how far it has come, and why; and the end of the worker."""

import logging
import sys
import threading
from collections.abc import Callable
from enum import Enum

from task_core.api.worker import describe
from task_core.clock import Clock

LEAST_TO_CLOSE = 1.0
"""Seconds that a worker's `close` always has, also when the grace is over."""
LEAST_IN_A_HURRY = 0.5
"""Seconds that it has when a stop was asked for twice."""
LONGEST_WAIT = 60.0
"""Seconds after which to look again, though nothing happens."""


class End(Enum):
    """Why no more is received; the value is what people read."""

    STOPPED = "stopped"
    RETURNED = "the taskmaster returned"
    INPUT_ENDED = "end of input"
    ENOUGH_TASKS = "--max-tasks reached"
    TOPIC_EMPTY = "topic is empty"
    LEAKED = "--max-leaked reached: runs were left behind"


class Stage(Enum):
    """How far a stop has come."""

    GOING = "going"
    """Nobody has asked."""
    ASKED = "asked"
    """Somebody has, and the bus thread has yet to act on it."""
    GRACE = "grace"
    """Running tasks may finish until the deadline."""
    OVER = "over"
    """Nothing is waited for any more: the deadline is past, or it was asked twice."""


class Stop:
    """Asked for by any thread, acted upon by the bus thread.

    Has no lock, because `request` may come from a signal handler that interrupts the
    bus thread: each side writes only what is its own.

    Args:
        kill_time: Seconds of grace.
        clock: Measures them.
    """

    def __init__(self, kill_time: float, clock: Clock) -> None:
        self.kill_time = kill_time
        self._clock = clock
        self._requests = 0  # written by those who ask
        self._deadline: float | None = None  # written by the bus thread

    def request(self) -> None:
        """Ask for the end: first with grace, the second time at once (any thread)."""
        self._requests += 1

    def begins_grace(self) -> bool:
        """Let the grace begin if it is asked for; say whether it does (bus thread)."""
        begins = self._requests > 0 and self._deadline is None
        if begins:
            self._deadline = self._clock.monotonic() + self.kill_time
        return begins

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        if not self._requests:
            return Stage.GOING
        if self._requests == 1 and self._deadline is None:
            return Stage.ASKED
        if self.hurries or not self.grace_left:
            return Stage.OVER
        return Stage.GRACE

    @property
    def requested(self) -> bool:
        """Whether anybody has asked."""
        return self._requests > 0

    @property
    def hurries(self) -> bool:
        """Whether it was asked for again: then nobody wants to wait."""
        return self._requests > 1

    @property
    def wants_attention(self) -> bool:
        """Whether the bus thread has yet to act on the last request."""
        return self._requests > (0 if self._deadline is None else 1)

    @property
    def grace_left(self) -> float:
        """Seconds of grace that are left; the whole kill time before it begins."""
        if self._deadline is None:
            return self.kill_time
        return max(0.0, self._deadline - self._clock.monotonic())

    def left_for_runs(self) -> float:
        """Seconds that runs still have; none when it was asked for again."""
        return 0.0 if self.hurries else self.grace_left

    @property
    def waited(self) -> float:
        """Seconds that running tasks were given so far."""
        return self.kill_time - self.grace_left


class Cancel:
    """One switch that tells every run to stop early.

    Set once by the launcher, looked at by workers through their context.
    """

    def __init__(self) -> None:
        self.requested = False
        self._event = threading.Event()
        self._listeners: list[Callable[[], None]] = []

    def request(self) -> None:
        """Tell every run to stop early; may be repeated."""
        self.requested = True
        self._event.set()
        for listener in self._listeners:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a function, in the thread that requests, when it is requested."""
        self._listeners.append(listener)

    def wait(self, seconds: float) -> bool:
        """Sleep; return True when requested, at once in that case."""
        return self._event.wait(min(seconds, threading.TIMEOUT_MAX))


class Closing:
    """Calls `close` in a thread, so that a stop ends the wait, whenever it comes.

    Args:
        close: The worker's.
        stop: Tells whether somebody wants the end, and how much of the grace is left.
        sleep: Lets the bus thread wait so many seconds for so many jobs, or for a call.
        call: Ends that wait, or the next one.
        clock: Measures.
        log: Is told what went wrong: the author's business, and no end.
    """

    def __init__(
        self,
        close: Callable[[], None],
        stop: Stop,
        sleep: Callable[[float, int], None],
        call: Callable[[], None],
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._close = close
        self._stop = stop
        self._sleep = sleep
        self._call = call
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
            self._sleep(left, sys.maxsize)
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
        return max(LEAST_TO_CLOSE - waited, self._stop.grace_left)

    def _run(self) -> None:
        try:
            close_worker(self._close, self._log)
        finally:
            self._ended = True
            self._call()


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
