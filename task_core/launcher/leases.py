"""Keeping what is in work: leases are renewed at a third of their length."""

from collections.abc import Callable, Iterable, Sequence

from task_core.api.bus import Consumer
from task_core.api.message import Delivery
from task_core.clock import Clock
from task_core.errors import LeaseLostError
from task_core.launcher.job import Job

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

    def renew(self, jobs: Iterable[Job], finished: Sequence[Delivery] = ()) -> bool:
        """Renew when it is time: of jobs in work, and of what waits to be settled.

        Returns:
            Whether the bus was asked to.
        """
        now = self._clock.monotonic()
        if now < self._due:
            return False
        self._due = now + self._interval
        held = [*(job.delivery for job in jobs), *finished]
        without_lost(self._consumer.extend, held)
        return bool(held)


def without_lost(
    act: Callable[[list[Delivery]], None], deliveries: list[Delivery]
) -> int:
    """Do something with deliveries, leaving out those whose lease is lost.

    Returns:
        How many were lost.
    """
    rest = deliveries
    while rest:
        try:
            act(rest)
        except LeaseLostError as error:
            gone = {id(delivery) for delivery in error.deliveries}
            if not gone.intersection(map(id, rest)):
                raise  # it names none of ours: trying again would not help
            rest = [delivery for delivery in rest if id(delivery) not in gone]
        else:
            break
    return len(deliveries) - len(rest)
