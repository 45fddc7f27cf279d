"""The jobs that a launcher holds, and how it gives back what it will not finish."""

import contextlib
from collections.abc import Sequence

from task_core.api.bus import Bus, Consumer
from task_core.api.message import Delivery
from task_core.api.worker import Outcome, interrupted
from task_core.clock import Clock
from task_core.errors import BusConnectionError, SendError
from task_core.launcher.job import Job, stamp_unrun
from task_core.launcher.leases import without_lost
from task_core.launcher.settling import Settler
from task_core.launcher.stats import Stats

_INTERRUPTED = interrupted()


class Custody:
    """From receipt to settlement, every job is in here.

    Args:
        bus, consumer: Where jobs come from and go back to.
        settler: Reports jobs that the bus cannot take back.
        stats: Counts what was given back.
        clock: Stamps those that never ran.
    """

    def __init__(
        self,
        bus: Bus,
        consumer: Consumer,
        settler: Settler,
        stats: Stats,
        clock: Clock,
    ) -> None:
        self.jobs: set[Job] = set()
        self._nacks = bus.capabilities.nack
        # Without nack, closing the consumer gives back what is not acknowledged.
        self._returns = self._nacks or bus.capabilities.ack
        self._consumer = consumer
        self._settler = settler
        self._stats = stats
        self._clock = clock

    def take_back_unfinished(self, jobs: list[Job]) -> list[Job]:
        """Give back what workers left unfinished, where that goes; return the rest."""
        unfinished = {job for job in jobs if job.outcome.unfinished}
        if not (unfinished and self._returns):
            return jobs
        self.give_back(list(unfinished))
        return [job for job in jobs if job not in unfinished]

    def _nack(self, deliveries: list[Delivery]) -> None:
        """Give back; while the bus is away, that happens by itself."""
        with contextlib.suppress(BusConnectionError, SendError):
            without_lost(self._consumer.nack, deliveries)

    def give_back(self, jobs: Sequence[Job], outcome: Outcome = _INTERRUPTED) -> None:
        """Return jobs to the bus; a bus without acknowledgement gets done tasks."""
        if not jobs:
            return
        self.jobs.difference_update(jobs)
        if self._nacks:
            self._nack([job.delivery for job in jobs])
        if self._returns:
            self._stats.returned += len(jobs)
            return
        for job in jobs:
            job.outcome = outcome
            stamp_unrun(job.task, self._clock)
        self._settler.add_jobs(jobs)
