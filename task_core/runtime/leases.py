"""Keeping what is in work: leases are renewed at a third of their length."""

from collections.abc import Iterable

from task_core.api.bus import Consumer
from task_core.clock import Clock
from task_core.runtime.job import Job

FOREVER = float("inf")


class Leases:
    """Renews the leases of held jobs, from the thread that owns the bus.

    Args:
        consumer: What the jobs came from.
        seconds: Length of a lease; `FOREVER` on a bus without leases.
        clock: Tells when one is due.
    """

    def __init__(self, consumer: Consumer, seconds: float, clock: Clock) -> None:
        self._consumer = consumer
        self._interval = seconds / 3
        self._clock = clock
        self._due = clock.monotonic() + self._interval

    @property
    def left(self) -> float:
        """Seconds until the next renewal."""
        return max(0.0, self._due - self._clock.monotonic())

    def renew(self, jobs: Iterable[Job]) -> None:
        """Renew when it is time."""
        now = self._clock.monotonic()
        if now < self._due:
            return
        self._due = now + self._interval
        if deliveries := [job.delivery for job in jobs]:
            self._consumer.extend(deliveries)
