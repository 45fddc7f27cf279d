"""`--rate`: how many tasks may be taken now."""

from task_core.clock import Clock

BURST = 0.1
"""Seconds of tasks that may be taken at once, after a pause; one task at least."""
_TINY = 1e-9


class Bucket:
    """Fills with tokens at a rate; a task takes one.

    Args:
        rate: Tokens a second.
        clock: Measures.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        self.size = max(1.0, rate * BURST)
        """Most tokens that it holds."""
        self._rate = rate
        self._clock = clock
        self._left = self.size
        self._at = clock.monotonic()

    def look(self) -> tuple[int, float]:
        """Return how many tokens there are, and the seconds until it is worth a look.

        A quick rate is looked at a few times a burst, and not for each task.
        """
        now = self._clock.monotonic()
        self._left = min(self.size, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left + _TINY >= 1:
            return int(self._left + _TINY), 0.0
        return 0, (max(1.0, self.size / 4) - self._left) / self._rate

    def take(self, count: int) -> None:
        """Take tokens, also those that come later."""
        self._left -= count
