"""The child processes of a launcher: as many as there are slots, and no old ones."""

import os
from math import inf

from task_core.launcher.processes.process import Process

FIRST_PAUSE = 0.1
"""Seconds after which a process that could not start is followed by another one."""
LONGEST_PAUSE = 30.0
"""Seconds of that pause, when it fails again and again."""
LEAST_GRACE = 0.1
"""Seconds that a run has after its deadline, whatever the kill time."""
LONGEST_WAIT = 60.0
"""Seconds after which to look at everything, though nothing is due."""


class Children:
    """Starts processes, and keeps them in time.

    Args:
        count: How many there are to be.
        recipe: What each is told.
        timeout: Seconds that a run may take, or None.
        grace: Seconds that a run has after its timeout, and a process to close.
    """

    def __init__(
        self, count: int, recipe: bytes, timeout: float | None, grace: float
    ) -> None:
        self.count = count
        self.all: list[Process] = []
        self._recipe = recipe
        self._timeout = timeout
        self._grace = max(grace, LEAST_GRACE)
        self._pause = 0.0
        self._next_start = -inf
        self._together = 1 + (os.cpu_count() or 1)  # more at a time are not quicker

    def start(self, now: float) -> tuple[list[Process], str]:
        """Start what is missing.

        Returns:
            What was started, and why no more could be, if so.
        """
        starting = sum(not one.ready for one in self.all)
        present = sum(not one.leaving for one in self.all)
        missing = min(self.count - present, self._together - starting)
        if missing <= 0 or now < self._next_start:
            return [], ""
        started: list[Process] = []
        trouble = ""
        try:
            while len(started) < missing:
                started.append(Process(self._recipe, self._timeout, now))
        except OSError as error:
            trouble = str(error)
        self.all += started
        return started, trouble

    def drop(self, one: Process) -> str:
        """Free what belonged to a process; say how it ended."""
        self.all.remove(one)
        return one.bury()

    def note_start(self) -> None:
        """Note that a process has the worker."""
        self._pause, self._next_start = 0.0, -inf

    def note_failure(self, now: float) -> float:
        """Note that one could not start; return the seconds until the next one does."""
        self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
        self._next_start = now + self._pause
        return self._pause

    def tend(self, now: float, *, closing: bool) -> float:
        """End what is late; return the seconds until something may be late.

        Args:
            now: The moment.
            closing: Whether there is no time left for what is busy.
        """
        next_start = self._next_start - now if self._next_start > now else LONGEST_WAIT
        waits = [one.tend(now, self._grace, closing=closing) for one in self.all]
        return max(0.0, min(next_start, LONGEST_WAIT, *waits))
