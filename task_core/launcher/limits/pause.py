"""`--pause-on-errors`: when everything fails, the tasks are better left alone."""

import logging
from collections.abc import Callable, Sequence

from task_core.api.worker import Kind
from task_core.clock import Clock
from task_core.errors import excerpt
from task_core.launcher.context import Job

FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0
"""Seconds before a task is tried: they double each time one fails."""
FAILURES = frozenset({Kind.ERROR, Kind.ALERT, Kind.RETRY})
SUCCESSES = frozenset({Kind.COMPLETE, Kind.WARN})


class Pause:
    """Counts failures in a row, and says how many tasks may be taken.

    Args:
        most: After so many it pauses.
        clock: Measures.
        log: Told when it pauses, and when it goes on.
        on_paused, on_resumed: The hooks, or None.
    """

    def __init__(
        self,
        most: int,
        clock: Clock,
        log: logging.Logger,
        on_paused: Callable[..., None] | None = None,
        on_resumed: Callable[..., None] | None = None,
    ) -> None:
        self.failures = 0
        """How many tasks have failed since one succeeded."""
        self.paused = False
        self._most = most
        self._clock = clock
        self._log = log
        self._on_paused = on_paused
        self._on_resumed = on_resumed
        self._since = self._due = 0.0
        self._seconds = FIRST_PAUSE
        self._tried: Job | None = None

    def look(self, slots: int, held: int) -> tuple[int, float]:
        """Return how many tasks may be taken, and the seconds until it is worth a look.

        Args:
            slots: How many run at a time.
            held: How many are held.
        """
        if not self.paused:
            # No more is held than may fail before the pause: then none has to go back.
            return slots + (0 if self.failures else self._most) - held, 0.0
        if self._tried is not None:
            return 0, 0.0
        left = self._due - self._clock.monotonic()
        return (0, left) if left > 0 else (1, 0.0)

    def took(self, jobs: Sequence[Job]) -> None:
        """Note what the slots get: in a pause, the one that is tried."""
        if self.paused and jobs:
            self._tried = jobs[0]

    def note(self, jobs: Sequence[Job]) -> None:
        """Learn from jobs that have an outcome."""
        last = ""
        for job in jobs:
            if job.killed or job.outcome.kind in FAILURES:
                self.failures += 1
                last = job.killed or job.outcome.msg
            elif job.outcome.kind in SUCCESSES:
                self.failures = 0
                if self.paused:
                    self._resume()
        if self.paused:
            if (tried := self._tried) is not None and tried in jobs:
                self._tried = None
                if tried.killed or tried.outcome.kind in FAILURES:
                    self._wait_longer(tried.killed or tried.outcome.msg)
                else:  # it has not run, and says nothing: another one after as long
                    self._due = self._clock.monotonic() + self._seconds
        elif self.failures >= self._most:
            self._begin(last)

    def _begin(self, last: str) -> None:
        self.paused, self._seconds = True, FIRST_PAUSE
        self._since = self._clock.monotonic()
        self._due = self._since + self._seconds
        self._log.warning(
            "%d tasks in a row have failed, the last one with %s: receiving no more"
            " until one succeeds; trying one in %gs",
            self.failures,
            excerpt(last),
            self._seconds,
        )
        if self._on_paused is not None:
            self._on_paused(failures=self.failures, msg=last)

    def _wait_longer(self, last: str) -> None:
        self._seconds = min(2 * self._seconds, LAST_PAUSE)
        self._due = self._clock.monotonic() + self._seconds
        text = "the task that was tried has failed (%s); trying another one in %gs"
        self._log.info(text, excerpt(last), self._seconds)

    def _resume(self) -> None:
        self.paused, self._tried = False, None
        seconds = self._clock.monotonic() - self._since
        self._log.warning("a task has succeeded after %.1fs: going on", seconds)
        if self._on_resumed is not None:
            self._on_resumed(seconds=seconds)
