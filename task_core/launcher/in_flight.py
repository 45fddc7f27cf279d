"""What a launcher holds: how much, for how long, and how it is given back."""

import contextlib
import logging
import math
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from msgspec.structs import replace

from task_core.api.bus import Bus, Consumer
from task_core.api.message import Delivery
from task_core.api.worker import Outcome, failed
from task_core.clock import Clock
from task_core.errors import BusConnectionError, LeaseLostError, SendError
from task_core.launcher.at_work import about, name_of
from task_core.launcher.context import UNFINISHED, Job, stamp_unrun
from task_core.launcher.handover import Handover, Slots
from task_core.launcher.outbox import Outbox
from task_core.launcher.plan import Plan
from task_core.launcher.stats import Stats
from task_core.shown import noun
from task_core.values import format_duration

BUFFERED_SECONDS = 0.05
"""How much work may wait for a busy slot."""
WIDEST = 1000
"""Most tasks that wait for one launcher's slots, however tiny they are."""
LOOK_EVERY = 5.0
"""Seconds after which to look whether the slots still have what they were given."""

log = logging.getLogger("task")


class InFlight:
    """The jobs between receipt and outcome. Leases are renewed at a third.

    Args:
        plan: Tells the length of a lease.
        bus: Tells what it can take back.
        outbox: Reports jobs that the bus cannot take back.
        stats: Counts what was given back.
        clock: Tells when a renewal is due; stamps jobs that never ran.
    """

    def __init__(
        self, plan: Plan, bus: Bus, outbox: Outbox, stats: Stats, clock: Clock
    ) -> None:
        self.jobs: set[Job] = set()
        self._nacks = bus.capabilities.nack
        # Without nack, closing the consumer gives back what is not acknowledged.
        self._returns = self._nacks or bus.capabilities.ack
        self._interval = plan.lease / 3 if bus.capabilities.lease else math.inf
        self._outbox = outbox
        self._stats = stats
        self._clock = clock
        self._renewal = clock.monotonic() + self._interval

    @property
    def renewal_in(self) -> float:
        """Seconds until the next renewal of leases."""
        return max(0.0, self._renewal - self._clock.monotonic())

    def renew(self, consumer: Consumer) -> bool:
        """Renew leases when it is time: of jobs, and of what waits to be settled.

        Returns:
            Whether the bus was asked to.
        """
        now = self._clock.monotonic()
        if now < self._renewal:
            return False
        self._renewal = now + self._interval
        held = [*(job.delivery for job in self.jobs), *self._outbox.waiting]
        without_lost(consumer.extend, held)
        return bool(held)

    def finish(self, jobs: list[Job]) -> list[Job]:
        """Let go of jobs that have an outcome; return those that were held.

        A slot that is interrupted at the wrong moment gives a job twice.
        """
        before, known = len(self.jobs), self.jobs.issuperset(jobs)
        if not known:
            jobs = [job for job in jobs if job in self.jobs]
        self.jobs.difference_update(jobs)
        if before - len(self.jobs) == len(jobs):
            return jobs
        return list({id(job): job for job in jobs}.values())

    def take_back_unfinished(self, jobs: list[Job], consumer: Consumer) -> list[Job]:
        """Give back what workers left unfinished, where that goes; return the rest."""
        unfinished = {job for job in jobs if job.outcome.kind == UNFINISHED.kind}
        if not (unfinished and self._returns):
            return jobs
        self.give_back(list(unfinished), consumer)
        return [job for job in jobs if job not in unfinished]

    def abandon(self, consumer: Consumer, waited: float) -> None:
        """Give back the tasks that would not stop; their late results are dropped.

        Args:
            consumer: What they came from.
            waited: Seconds that they were given.
        """
        if not self.jobs:
            return
        time = format_duration(timedelta(seconds=round(waited, 3)))
        outcome = failed(f"worker forced to close; waited '{time}'")
        self._stats.abandoned += len(self.jobs)
        for job in self.jobs:
            name = name_of(job)
            log.warning("task %s: did not stop in %s", name, time, extra=about(job))
        # Copies: the worker still holds the task itself.
        jobs = [Job(job.delivery, replace(job.task), told=True) for job in self.jobs]
        self.jobs.clear()
        self.give_back(jobs, consumer, outcome)

    def refuse(self, jobs: Sequence[Job], consumer: Consumer) -> None:
        """Return jobs that were just received (needs `nack`)."""
        # While the bus is away, that happens by itself.
        with contextlib.suppress(BusConnectionError, SendError):
            without_lost(consumer.nack, [job.delivery for job in jobs])

    def give_back(
        self, jobs: Sequence[Job], consumer: Consumer, outcome: Outcome = UNFINISHED
    ) -> None:
        """Return jobs to the bus; a bus without acknowledgement gets done tasks."""
        if not jobs:
            return
        self.jobs.difference_update(jobs)
        if self._nacks:
            self.refuse(jobs, consumer)
        if self._returns:
            self._stats.returned += len(jobs)
            return
        for job in jobs:
            job.outcome = outcome
            stamp_unrun(job.task, self._clock)
        self._outbox.add_jobs(jobs)


class Search:
    """Finds jobs that no slot has any more, and slots that have ended.

    An exception that somebody raises in a slot's thread may land just when a job
    changes hands. What is seen nowhere, twice, is lost.

    Args:
        slots, handover: Where jobs are.
        stats: Counts slots that were replaced.
        clock: Tells when to look; stamps what is lost.
    """

    def __init__(
        self, slots: Slots, handover: Handover, stats: Stats, clock: Clock
    ) -> None:
        self._slots = slots
        self._handover = handover
        self._stats = stats
        self._clock = clock
        self._missing: set[Job] = set()
        self._next = clock.monotonic() + LOOK_EVERY

    def look(self, jobs: Collection[Job], aside: Sequence[Job]) -> int:
        """Now and then, make what is lost of some jobs an error; return how much.

        Args:
            jobs: All that are held.
            aside: Those of them that have yet to be given to the slots.
        """
        now = self._clock.monotonic()
        if now < self._next:
            return 0
        self._next = now + LOOK_EVERY
        replaced = self._slots.mend()
        if replaced:
            self._stats.replaced += replaced
            ended = f"{replaced:,} {noun(replaced, 'slot')} had ended"
            log.warning("%s, and %s replaced", ended, noun(replaced, "was", "were"))
        # In the order in which jobs move on: so each is met that is not just between.
        handover, missing = self._handover, set(jobs).difference(aside)
        for place in (handover.waiting.copy, self._slots.held, handover.finished.copy):
            missing.difference_update(place())
        lost, self._missing = missing & self._missing, missing - self._missing
        for job in lost:
            job.outcome = failed("the slot that had taken it was ended from outside")
            stamp_unrun(job.task, self._clock)
            handover.finished.append(job)
        return len(lost)


class Window:
    """How many jobs may be in flight: strictly lazy for real work, wide for tiny tasks.

    Args:
        slots: How many run at a time; so many are always held.
        fixed: How many more, or None to measure the tasks.
    """

    def __init__(self, slots: int, fixed: int | None = None) -> None:
        self.slots = slots
        self._measured = fixed is None
        self.buffer = fixed or 0
        self.mean = math.inf
        """Seconds that one of those took that were finished last."""

    @property
    def size(self) -> int:
        """How many jobs may be in flight, running ones included."""
        return self.slots + self.buffer

    @property
    def stalls_after(self) -> float:
        """Seconds after which to look for a stall while tasks run."""
        return BUFFERED_SECONDS if self._measured and self.buffer else math.inf

    def measure(self, jobs: Sequence[Job]) -> None:
        """Learn from finished jobs; grows twofold at most, shrinks at once."""
        self.mean = sum([job.took for job in jobs]) / len(jobs)
        if not self._measured:
            return
        worth = self.slots * int(BUFFERED_SECONDS / max(self.mean, 1e-9))
        self.buffer = min(worth, 2 * self.size, WIDEST)

    def stall(self, seconds: float) -> None:
        """Learn that no job finished for so long, though all slots were busy."""
        if self._measured and seconds >= BUFFERED_SECONDS:
            self.buffer = 0


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
