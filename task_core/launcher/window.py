"""The prefetch window: strictly lazy for real work, wide for tiny tasks."""

import math
from collections.abc import Sequence

from task_core.launcher.job import Job

BUFFERED_SECONDS = 0.05
"""How much work may wait for a busy slot."""
WIDEST = 1000
"""Most tasks that wait for one launcher's slots, however tiny they are."""


class Window:
    """How many tasks the launcher may hold.

    Args:
        slots: How many run at a time; so many are always held.
        fixed: How many more, or None to measure the tasks.
    """

    def __init__(self, slots: int, fixed: int | None = None) -> None:
        self.slots = slots
        self._measured = fixed is None
        self.buffer = fixed or 0

    @property
    def size(self) -> int:
        """How many tasks may be held, running ones included."""
        return self.slots + self.buffer

    @property
    def watch(self) -> float:
        """Seconds after which to look for a stall while tasks run."""
        return BUFFERED_SECONDS if self._measured and self.buffer else math.inf

    def measure(self, jobs: Sequence[Job]) -> None:
        """Learn from finished jobs; grows twofold at most, shrinks at once."""
        if not self._measured:
            return
        mean = sum([job.took for job in jobs]) / len(jobs)
        worth = self.slots * int(BUFFERED_SECONDS / max(mean, 1e-9))
        self.buffer = min(worth, 2 * self.size, WIDEST)

    def stall(self, seconds: float) -> None:
        """Learn that no job finished for so long, though all slots were busy."""
        if self._measured and seconds >= BUFFERED_SECONDS:
            self.buffer = 0
