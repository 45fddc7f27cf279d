"""One time for several loops: it passes while all of them wait."""

import threading
from collections.abc import Callable, Sequence

from task_core.api import Taskmaster, TaskmasterContext
from task_testing.doubles import FakeClock

Loop = Callable[[TaskmasterContext], None]
LOOK_EVERY = 0.005
"""Seconds after which to look whether somebody has ended a wait."""


class LoopsClock:
    """A fake clock that several threads share.

    Args:
        clock: The time; it is waited on by one thread at a time.
        running: How many threads there are.
    """

    def __init__(self, clock: FakeClock, running: int) -> None:
        self._clock = clock
        self._running = running
        self._turn = threading.Condition()
        self._waits: dict[object, tuple[float, threading.Event]] = {}
        self.time = clock.time
        self.monotonic = clock.monotonic
        self.stamp = clock.stamp
        self.second = clock.second

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the others have waited for as long, or for the event."""
        with self._turn:
            me, end = object(), self._clock.monotonic() + seconds
            self._waits[me] = end, event
            while not event.is_set() and (left := end - self._clock.monotonic()) > 0:
                if self._is_first(end):
                    self._clock.wait(event, left)
                    self._turn.notify_all()
                else:
                    self._turn.wait(LOOK_EVERY)
            del self._waits[me]
            return event.is_set()

    def leave(self) -> None:
        """Note that a thread has ended: nobody waits for it."""
        with self._turn:
            self._running -= 1
            self._turn.notify_all()

    def _is_first(self, end: float) -> bool:
        """Whether all wait, and nobody's wait ends earlier."""
        if len(self._waits) < self._running:
            return False
        return all(
            end <= other and not event.is_set() for other, event in self._waits.values()
        )


class Counted(Taskmaster):
    """A taskmaster whose loops tell when they end.

    Args:
        loops: What it does.
        clock: Told.
    """

    def __init__(self, loops: Sequence[Loop], clock: LoopsClock) -> None:
        self._loops = loops
        self._clock = clock

    def loops(self) -> Sequence[Loop]:
        """Return the loops, each with its end."""
        return [self._counted(loop) for loop in self._loops]

    def _counted(self, loop: Loop) -> Loop:
        def run(ctx: TaskmasterContext) -> None:
            try:
                loop(ctx)
            finally:
                self._clock.leave()

        return run
