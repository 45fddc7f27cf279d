"""The bus thread at work: receive, hand to the slots, settle, end cleanly."""

import contextlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from task_core.api.bus import Bus, Consumer
from task_core.api.message import Delivery
from task_core.errors import BusError
from task_core.launcher.at_work import stop_line
from task_core.launcher.context import Job
from task_core.launcher.in_flight import LOOK_EVERY, Search
from task_core.launcher.outages import Outages, Watchdog
from task_core.launcher.parts import Parts
from task_core.launcher.plan import Plan
from task_core.launcher.stop import End, Stage

if TYPE_CHECKING:
    from task_core.launcher.drain import Drain

LONGEST_WAIT = 60.0
"""Seconds that the bus thread waits at most when nothing happens."""
SOON = 1.0
"""Seconds that the first answer after an outage may take, or the end of an input."""
RUSH_WAIT = 0.005
"""Seconds that finished tiny tasks wait at most to be settled together."""


class Loop:
    """From the first receive to the last settle. For who has the bus.

    Args:
        plan: What to do.
        parts: What to do it with.
        consumer: What is read.
    """

    def __init__(self, plan: Plan, parts: Parts, consumer: Consumer) -> None:
        self._plan = plan
        self._bus = parts.bus
        self._inbox = parts.inbox
        self._in_flight = parts.in_flight
        self._outbox = parts.outbox
        self._quarantine = parts.quarantine
        self._crashes = parts.crashes
        self._slots = parts.slots
        self._handover = parts.handover
        self._search = Search(parts.slots, parts.handover, parts.stats, parts.clock)
        self._window = parts.window
        self._cancel = parts.cancel
        self._stop = parts.stop
        self._stats = parts.stats
        self._clock = parts.clock
        self._log = parts.log
        self._consumer = consumer
        self.watchdog = Watchdog(
            parts.bus, plan.topic, plan.channel, parts.clock, parts.log
        )
        self.outages = Outages(self._sit_out, parts.clock, parts.log, self._note_outage)
        self._on_lost = parts.hooks.observer("bus_lost")
        self._last_arrival = self._last_progress = parts.clock.monotonic()
        self.end: End | None = None
        """Why no more is received, once that is so."""
        self._stalled = False
        self._drain = self._make_drain(parts) if plan.drain else None

    def _make_drain(self, parts: Parts) -> "Drain":
        from task_core.launcher.drain import Drain  # noqa: PLC0415  most go on and on

        return Drain(self._plan, parts.bus, parts.clock, parts.log)

    @property
    def paused(self) -> bool:
        """Whether it waits since everything failed."""
        return False

    def work(self) -> End:
        """Receive and settle until no more is to be received; say why."""
        while self.end is None and not self._stop.requested:
            self.outages.attempt(self._turn)
            if self._stalled:
                self._subscribe_anew()
        return self.end or End.STOPPED

    def finish(self) -> None:
        """Let held work finish; after a stop, only for so long.

        Raises:
            BusError: The bus is away, and was not back in time.
        """
        while self._in_flight.jobs:
            if self._stop.begins_grace():
                self._retreat()
                continue
            if self._stop.stage is Stage.OVER:
                break
            seconds = self._longest_wait(wake_at=1)
            if self._stop.requested:
                seconds = min(seconds, self._stop.grace_left)
            self._handover.sleep(seconds, wake_at=1)
            self.outages.attempt(self._collect)
            self._run_suspect()
        self._in_flight.abandon(self._consumer, self._stop.waited)
        self._return_read_ahead()
        self.outages.insist(self._settle, self._gives_up)

    def _turn(self) -> bool:
        """Receive what there is room for, or wait; then settle what is finished.

        Returns:
            Whether the bus was used.
        """
        used = self._settle()  # what an outage has kept: nothing more before it is gone
        if self.watchdog.wanted:
            self.watchdog.look()
        self.end = self._look_for_the_end()
        if self.end or self._stalled:
            return used
        room = self._room()
        if room > 0:
            self._accept(self._receive(room))
            used = True
        else:
            wake_at = self._wake_at()
            self._handover.sleep(self._longest_wait(wake_at), wake_at)
        used |= self._collect()
        self._run_suspect()
        return used

    def _look_for_the_end(self) -> End | None:
        """Say why no more is to be received, if so."""
        if self._consumer.exhausted:
            return End.INPUT_ENDED
        if 0 < self._plan.max_tasks <= self._stats.received:
            return End.ENOUGH_TASKS
        if 0 < self._plan.max_leaked <= self._handover.left_behind:
            return End.LEAKED
        if self._in_flight.jobs:
            return None
        last = max(self._last_arrival, self._last_progress)
        drain = None if self.outages.away else self._drain  # who reads sits that out
        if drain is not None and drain.is_empty(last):
            return End.TOPIC_EMPTY
        self._stalled = self.watchdog.barks()
        return None

    def _subscribe_anew(self) -> None:
        """Read with another consumer, however long the bus is away."""
        self._log.warning("nothing arrives, though messages wait: subscribing anew")
        with contextlib.suppress(BusError):  # it is given up in any case
            self._consumer.close()
        self._consumer = self.outages.insist(
            lambda: subscribe(self._bus, self._plan),
            lambda: self._stop.requested,
        )
        self._stalled = False

    def _room(self) -> int:
        if self._quarantine:
            return 0
        width = min(self._window.size, self._quarantine.width)
        room = width - len(self._in_flight.jobs)
        if self._plan.max_tasks:
            room = min(room, self._plan.max_tasks - self._stats.received)
        return room

    def _wake_at(self) -> int:
        """How many finished jobs are worth a wake: half, in a rush of tiny tasks."""
        return max(1, len(self._in_flight.jobs) // 2) if self._window.buffer else 1

    def _longest_wait(self, wake_at: int) -> float:
        """How long to wait when nothing happens."""
        if wake_at > 1:
            return RUSH_WAIT
        if not self._in_flight.jobs:
            return min(LONGEST_WAIT, self._in_flight.renewal_in)
        stall = self._window.stalls_after
        return min(LOOK_EVERY, stall, self._in_flight.renewal_in)

    def _receive(self, room: int) -> Sequence[Delivery]:
        wake_at = self._wake_at()
        timeout = self._longest_wait(wake_at)
        if self._drain is not None:
            timeout = min(timeout, self._drain.looks_every)
        if self.outages.away:  # an answer says that the bus is back, also an empty one
            timeout = min(timeout, SOON)
        may_wait = self._handover.fall_asleep(wake_at, self._consumer.wake)
        deliveries = self._consumer.receive(room, timeout if may_wait else 0.0)
        self._handover.stay_awake()
        self._stats.received += len(deliveries)
        return deliveries

    def _accept(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        self._last_arrival = self._clock.monotonic()
        self.watchdog.feed()
        if not self._in_flight.jobs:  # the slots have been idle
            self._last_progress = self._last_arrival
        jobs = self._inbox.sort(deliveries)
        if self._quarantine.counts:
            jobs, suspects = self._quarantine.part(jobs)
            if suspects:
                self._set_aside(suspects, alone=not (jobs or self._in_flight.jobs))
        if jobs:
            self._submit(jobs)

    def _submit(self, jobs: list[Job]) -> None:
        """Let the slots have jobs."""
        self._in_flight.jobs.update(jobs)
        self._slots.submit(jobs)

    def _set_aside(self, suspects: list[Job], *, alone: bool) -> None:
        """Hold what may kill with nothing else, as far as the bus takes it back."""
        back = self._quarantine.admit(suspects, alone=alone)
        if back:
            self._in_flight.refuse(back, self._consumer)
            self._stats.received -= len(back)
        self._in_flight.jobs.update(self._quarantine.waiting)

    def _run_suspect(self) -> None:
        """When nothing else is in the slots, let the next suspect run."""
        if self._quarantine and len(self._quarantine) == len(self._in_flight.jobs):
            self._slots.submit([self._quarantine.next()])

    def _collect(self) -> bool:
        """Settle what the slots have finished; say whether the bus was used."""
        if self._in_flight.jobs:
            self._search.look(self._in_flight.jobs, self._quarantine.waiting)
        jobs = self._in_flight.finish(self._handover.collect())
        if jobs:
            self._learn(jobs)
            if self._cancel.requested:
                jobs = self._in_flight.take_back_unfinished(jobs, self._consumer)
            if self._crashes is not None:
                jobs = self._crashes.sort(jobs, self._consumer)
            self._outbox.add_jobs(jobs)
        elif self._in_flight.jobs:
            self._window.stall(self._clock.monotonic() - self._last_progress)
        return self._settle()

    def _learn(self, jobs: list[Job]) -> None:
        """Note how some jobs went."""
        self._stats.finished += len(jobs)
        self._stats.busy += sum([job.took for job in jobs])
        self._window.measure(jobs)
        self._last_progress = self._clock.monotonic()

    def _settle(self) -> bool:
        """Settle what waits for it; before that, keep all leases: it may fail."""
        renewed = self._in_flight.renew(self._consumer)
        return self._outbox.flush(self._consumer) or renewed

    def _sit_out(self, seconds: float) -> None:
        """Wait while the bus is away, or until a lease or a stop wants attention."""
        self._handover.stay_awake()
        seconds = min(seconds, self._in_flight.renewal_in or seconds)
        if self._stop.stage is Stage.GRACE:
            seconds = min(seconds, self._stop.grace_left)
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            if self._stop.wants_attention:
                break
            self._handover.sleep(left, wake_at=sys.maxsize)

    def _note_outage(self, error: BusError) -> None:
        self._quarantine.note_outage()
        if self._on_lost is not None:
            self._on_lost(error=error)

    def _retreat(self) -> None:
        """Give back what no slot has begun, and tell the workers to stop early."""
        jobs = self._handover.recall() + self._quarantine.recall()
        self._in_flight.give_back(jobs, self._consumer)
        self._log.info("%s", stop_line(self._in_flight.jobs, self._stop.kill_time))
        self._cancel.request()
        self.outages.attempt(self._settle)

    def _gives_up(self) -> bool:
        """Whether the bus had the kill time to come back; a stop begins it."""
        self._stop.begins_grace()
        return self._stop.stage is Stage.OVER

    def _return_read_ahead(self) -> None:
        """See to it that what a pipe had to read ahead is not lost."""
        deliveries = self._consumer.drain()
        if self._stop.requested:
            self._in_flight.give_back(self._inbox.sort(deliveries), self._consumer)
            return
        reason = f"read ahead but not taken: {(self.end or End.STOPPED).value}"
        for delivery in deliveries:
            self._outbox.add_dead(delivery, reason)


def subscribe(bus: Bus, plan: Plan) -> Consumer:
    """Start to read what a plan says; brokers that push learn how much may be held."""
    return bus.subscribe(plan.topic, plan.channel, prefetch=plan.most_held)
