"""One shift of the bus thread: receive, hand to the slots, settle, end cleanly."""

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from math import inf

from msgspec.structs import replace

from task_core.api.bus import Consumer
from task_core.api.message import Delivery
from task_core.api.worker import failed
from task_core.launcher.custody import Custody
from task_core.launcher.intake import Arrivals
from task_core.launcher.job import Job
from task_core.launcher.leases import Leases
from task_core.launcher.outages import Outages
from task_core.launcher.plan import Equipment, Plan
from task_core.launcher.settling import Settler
from task_core.launcher.suspects import Suspects
from task_core.launcher.watchdog import Watchdog
from task_core.values import format_duration

PATIENCE = 60.0
"""Seconds that the bus thread waits at most when nothing happens."""
RUSH = 0.005
"""Seconds that finished tiny tasks wait at most to be settled together."""
QUIET = 1.0
"""Seconds without a message after which a topic counts as empty (`--drain`)."""
STALLED = "nothing arrives, though messages wait"
"""The reason to end a shift after which another one is to subscribe anew."""


class Shift:
    """The work between opening and closing the bus.

    Args:
        plan: What to do.
        equipment: What to do it with.
        consumer: What is read.
        settler: Settles what is finished.
        custody: Holds what is not.
        leases: Keeps what is held.
        watchdog: Sees when nothing comes.
    """

    def __init__(
        self,
        plan: Plan,
        equipment: Equipment,
        consumer: Consumer,
        settler: Settler,
        custody: Custody,
        leases: Leases,
        watchdog: Watchdog,
    ) -> None:
        self._plan = plan
        self._bus = equipment.bus
        self._intake = equipment.intake
        self._dead_letters = equipment.dead_letters
        self._slots = equipment.slots
        self._exchange = equipment.exchange
        self._window = equipment.window
        self._cancel = equipment.cancel
        self._stats = equipment.stats
        self._clock = equipment.clock
        self._consumer = consumer
        self._settler = settler
        self._custody = custody
        self._leases = leases
        self._watchdog = watchdog
        self._suspects = Suspects(plan.max_attempts)
        self._outages = Outages(
            self._sit_out,
            self._clock,
            equipment.log,
            equipment.hooks.observer("bus_lost"),
        )
        self._stops = 0  # how often `stop` was called
        self._deadline = inf  # of the first stop, once we go by it
        self._last_arrival = self._last_progress = self._clock.monotonic()
        self._reason = ""  # why no more is to be received

    @property
    def running(self) -> int:
        """How many tasks are held now, or finished and not settled."""
        return len(self._custody.jobs) + self._settler.waiting

    def stop(self, times: int) -> None:
        """Stop: once with the kill time's grace, twice at once (any thread)."""
        self._stops = times
        self._exchange.call()

    def work(self) -> str:
        """Receive and settle until no more is to be received; say why."""
        while not (self._stops or self._reason):
            self._outages.attempt(self._turn)
        return self._reason or "stopped"

    def _reason_to_end(self) -> str:
        """Say why no more is to be received, or nothing."""
        if self._consumer.exhausted:
            return "end of input"
        if 0 < self._plan.max_tasks <= self._stats.received:
            return "--max-tasks reached"
        if self._plan.drain and self._is_empty():
            return "topic is empty"
        if not self._custody.jobs and self._watchdog.barks():
            return STALLED
        return ""

    def _is_empty(self) -> bool:
        """Whether nothing is held, waits or has come for a while (`--drain`)."""
        if self._custody.jobs:
            return False
        last = max(self._last_arrival, self._last_progress)
        if self._clock.monotonic() < last + QUIET:
            return False
        depth = self._bus.capabilities.depth
        return not depth or not self._bus.depth(self._plan.topic, self._plan.channel)

    def _turn(self) -> bool:
        """Receive what there is room for, or wait; then settle what is finished.

        Returns:
            Whether the bus was used.
        """
        used = self._settle()  # what an outage has kept: nothing more before it is gone
        if reason := self._reason_to_end():
            self._reason = reason
            return used
        room = self._room()
        if room > 0:
            self._accept(self._receive(room))
            used = True
        else:
            wake_at = self._wake_at()
            self._exchange.sleep(self._patience(wake_at), wake_at)
        used |= self._collect()
        self._run_suspect()
        return used

    def _room(self) -> int:
        if self._suspects:
            return 0
        room = self._window.size - len(self._custody.jobs)
        if self._plan.max_tasks:
            room = min(room, self._plan.max_tasks - self._stats.received)
        return room

    def _wake_at(self) -> int:
        """How many finished jobs are worth a wake: half, in a rush of tiny tasks."""
        return max(1, len(self._custody.jobs) // 2) if self._window.buffer else 1

    def _patience(self, wake_at: int) -> float:
        """How long to wait when nothing happens."""
        if wake_at > 1:
            return RUSH
        watch = self._window.watch if self._custody.jobs else PATIENCE
        return min(PATIENCE, watch, self._leases.left)

    def _receive(self, room: int) -> Sequence[Delivery]:
        wake_at = self._wake_at()
        timeout = self._patience(wake_at)
        if self._plan.drain:
            timeout = min(timeout, QUIET)
        may_wait = self._exchange.lie_down(wake_at, self._consumer.wake)
        deliveries = self._consumer.receive(room, timeout if may_wait else 0.0)
        self._exchange.get_up()
        self._stats.received += len(deliveries)
        return deliveries

    def _accept(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        self._last_arrival = self._clock.monotonic()
        self._watchdog.feed()
        if not self._custody.jobs:  # the slots have been idle
            self._last_progress = self._last_arrival
        arrivals = self._intake.sort(deliveries)
        if arrivals.jobs:
            self._custody.jobs.update(arrivals.jobs)
            if jobs := self._suspects.part(arrivals.jobs):
                self._slots.submit(jobs)
        self._settler.add_arrivals(arrivals)

    def _run_suspect(self) -> None:
        """When nothing else is in the slots, let the next suspect run."""
        if self._suspects and len(self._suspects) == len(self._custody.jobs):
            self._slots.submit([self._suspects.next()])

    def _collect(self) -> bool:
        """Settle what the slots have finished; say whether the bus was used."""
        jobs = self._exchange.collect()
        if jobs:
            self._custody.jobs.difference_update(jobs)
            self._stats.add_finished(jobs)
            self._window.measure(jobs)
            self._last_progress = self._clock.monotonic()
            if self._cancel.requested:
                jobs = self._custody.take_back_unfinished(jobs)
            self._settler.add_jobs(jobs)
        elif self._custody.jobs:
            self._window.stall(self._clock.monotonic() - self._last_progress)
        return self._settle()

    def _settle(self) -> bool:
        """Settle what waits for it; before that, keep all leases: it may fail."""
        renewed = self._leases.renew(self._custody.jobs, self._settler.kept)
        return self._settler.flush() or renewed

    def hand_over(self, begin: Callable[[], "Shift"]) -> "Shift":
        """Stop reading, and begin another shift, however long the bus is away."""
        self._consumer.close()
        return self._outages.insist(begin, lambda: self._stops > 0)

    def _sit_out(self, seconds: float) -> None:
        """Wait while the bus is away, or until a lease or a stop wants attention."""
        self._exchange.get_up()
        seconds = min(seconds, self._leases.left or seconds)
        end = min(self._clock.monotonic() + seconds, self._deadline)
        while (left := end - self._clock.monotonic()) > 0 and not self._is_called():
            self._exchange.sleep(left, wake_at=sys.maxsize)

    def _is_called(self) -> bool:
        """Whether there is a stop that we do not yet go by."""
        return self._stops > (1 if self._deadline < inf else 0)

    def _heed(self) -> bool:
        """Let the kill time begin when somebody has stopped us; say whether it does."""
        begins = self._stops > 0 and self._deadline == inf
        if begins:
            self._deadline = self._clock.monotonic() + self._plan.kill_time
        return begins

    def _is_over(self) -> bool:
        """Whether nothing is waited for any more."""
        return self._stops > 1 or self._clock.monotonic() >= self._deadline

    def finish(self) -> None:
        """Let held work finish; after a stop, only for so long.

        Raises:
            BusError: The bus is away, and was not back in time.
        """
        while self._custody.jobs:
            if self._heed():
                self._retreat()
                continue
            if self._is_over():
                break
            left = max(0.0, self._deadline - self._clock.monotonic())
            self._exchange.sleep(min(self._patience(wake_at=1), left), wake_at=1)
            self._outages.attempt(self._collect)
            self._run_suspect()
        grace = max(0.0, self._deadline - self._clock.monotonic())  # was cut short
        self._abandon(round(max(0.0, self._plan.kill_time - grace), 3))
        self._return_read_ahead()
        self._outages.insist(self._settle, self._gives_up)

    def _gives_up(self) -> bool:
        """Whether the bus had the kill time to come back; a stop begins it."""
        self._heed()
        return self._is_over()

    def _retreat(self) -> None:
        """Give back what no slot has begun, and tell the workers to stop early."""
        self._custody.give_back(self._exchange.recall() + self._suspects.recall())
        self._cancel.request()
        self._outages.attempt(self._settle)

    def _abandon(self, seconds: float) -> None:
        """Give back the tasks that would not stop; their late results are dropped."""
        if not self._custody.jobs:
            return
        waited = format_duration(timedelta(seconds=seconds))
        outcome = failed(f"worker forced to close; waited '{waited}'")
        self._stats.abandoned += len(self._custody.jobs)
        # Copies: the worker still holds the task itself.
        jobs = [Job(job.delivery, replace(job.task)) for job in self._custody.jobs]
        self._custody.jobs.clear()
        self._custody.give_back(jobs, outcome)

    def _return_read_ahead(self) -> None:
        """See to it that what a pipe had to read ahead is not lost."""
        deliveries = self._consumer.drain()
        if deliveries and self._stops:
            arrivals = self._intake.sort(deliveries)
            self._custody.give_back(arrivals.jobs)
            self._settler.add_arrivals(arrivals)
        elif deliveries:
            reason = "read ahead but not taken: --max-tasks reached"
            dead = [(d, self._dead_letters.write(d, reason)) for d in deliveries]
            self._settler.add_arrivals(Arrivals(dead=dead))
