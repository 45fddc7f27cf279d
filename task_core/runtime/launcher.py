"""The launcher: receive, hand to the slots, settle what comes back, stop cleanly.

One thread, the bus thread, makes every call on the bus; `Launcher.run` is its life.
Other threads only call `stop`.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

import attrs
from msgspec.structs import replace

from task_core.api.bus import Bus, Delivery
from task_core.api.worker import Outcome, failed, interrupted
from task_core.clock import Clock
from task_core.runtime.burial import Undertaker
from task_core.runtime.cancel import Cancel
from task_core.runtime.exchange import Exchange
from task_core.runtime.intake import Arrivals, Intake
from task_core.runtime.job import Job, stamp_unrun
from task_core.runtime.listeners import Hooks
from task_core.runtime.settling import Settler
from task_core.runtime.slots import Slots
from task_core.runtime.stats import Stats
from task_core.runtime.window import Window
from task_core.values import format_duration

PATIENCE = 60.0
"""Seconds that the bus thread waits at most when nothing happens."""
RUSH = 0.005
"""Seconds that finished tiny tasks wait at most to be settled together."""
QUIET = 1.0
"""Seconds without a message after which a topic counts as empty (`--drain`)."""
INTERRUPTED = interrupted()


@attrs.frozen(kw_only=True)
class Plan:
    """What a launcher is to do.

    Args:
        topic, channel: What to read.
        done_topic, dead_topic: Where done tasks and dead letters go.
        max_tasks: Stop after so many deliveries; 0 is no limit.
        drain: Stop when the topic is empty.
        kill_time: Seconds of grace for running tasks after a stop.
    """

    topic: str
    channel: str
    done_topic: str
    dead_topic: str
    max_tasks: int = 0
    drain: bool = False
    kill_time: float = 10.0


class Launcher:
    """Runs one worker type against one bus.

    Args:
        plan: What to do.
        bus: What carries the tasks; the launcher closes it.
        intake: Decodes.
        undertaker: Writes dead letters.
        slots: Run.
        exchange: Where this thread and the slots meet.
        window: How many tasks may be held.
        cancel: Tells the workers to stop early.
        stats: What is counted.
        clock, hooks, log: As everywhere.
        guarantee: The line that says what is promised, for the start.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        bus: Bus,
        intake: Intake,
        undertaker: Undertaker,
        slots: Slots,
        exchange: Exchange,
        window: Window,
        cancel: Cancel,
        stats: Stats,
        clock: Clock,
        hooks: Hooks,
        guarantee: str,
        log: logging.Logger,
    ) -> None:
        self._plan = plan
        self._bus = bus
        self._intake = intake
        self._undertaker = undertaker
        self._slots = slots
        self._exchange = exchange
        self._window = window
        self._cancel = cancel
        self._stats = stats
        self._clock = clock
        self._hooks = hooks
        self._guarantee = guarantee
        self._log = log
        self._held: set[Job] = set()
        self._stops = 0  # how often `stop` was called
        self._last_finish = clock.monotonic()

    def stop(self) -> None:
        """Stop: the first time with the kill time's grace, then at once (any thread)."""
        self._stops += 1
        self._exchange.wake()

    @property
    def running(self) -> int:
        """How many tasks are held now."""
        return len(self._held)

    def run(self) -> None:
        """Work until the end of input, a limit, or `stop`.

        Raises:
            BusError: The bus failed; what could be given back was given back.
        """
        plan = self._plan
        try:
            self._bus.producer().prepare([plan.done_topic, plan.dead_topic])
            self._consumer = self._bus.subscribe(plan.topic, plan.channel)
            self._settler = Settler(
                self._bus, self._consumer, plan.done_topic, self._stats, self._hooks
            )
            self._slots.start()
            self._log.info("%s", self._guarantee)
            self._tell("launcher_started", guarantee=self._guarantee)
            self._work()
        finally:
            self._slots.close()
            self._bus.close()

    def _work(self) -> None:
        while not (reason := self._reason_to_end()):
            self._turn()
        self._tell("launcher_stopping", reason=reason)
        self._log.debug("receiving no more: %s", reason)
        self._finish()

    def _tell(self, hook: str, **facts: object) -> None:
        if observer := self._hooks.observer(hook):
            observer(**facts)

    def _reason_to_end(self) -> str:
        """Say why no more is to be received, or nothing."""
        if self._stops:
            return "stopped"
        if self._consumer.exhausted:
            return "end of input"
        if 0 < self._plan.max_tasks <= self._stats.received:
            return "--max-tasks reached"
        if self._quiet and self._is_empty():
            return "topic is empty"
        return ""

    _quiet = False

    def _is_empty(self) -> bool:
        """Whether nothing waits on the topic and nothing is held (`--drain`)."""
        if self._held:
            return False
        depth = self._bus.capabilities.depth
        return not depth or not self._bus.depth(self._plan.topic, self._plan.channel)

    def _turn(self) -> None:
        """Receive what there is room for, or wait; then settle what is finished."""
        room = self._room()
        if room > 0:
            deliveries = self._receive(room)
            self._accept(deliveries)
            self._quiet = self._plan.drain and not deliveries
        else:
            wake_at = self._wake_at()
            self._exchange.sleep(RUSH if wake_at > 1 else PATIENCE, wake_at)
        self._collect()

    def _room(self) -> int:
        room = self._window.size - len(self._held)
        if self._plan.max_tasks:
            room = min(room, self._plan.max_tasks - self._stats.received)
        return room

    def _wake_at(self) -> int:
        """How many finished jobs are worth a wake: half, in a rush of tiny tasks."""
        return max(1, len(self._held) // 2) if self._window.buffer else 1

    def _receive(self, room: int) -> Sequence[Delivery]:
        wake_at = self._wake_at()
        timeout = RUSH if wake_at > 1 else QUIET if self._plan.drain else PATIENCE
        may_wait = self._exchange.lie_down(wake_at, self._consumer.wake)
        if self._stops:  # it may have come before this thread lay down
            may_wait = False
        deliveries = self._consumer.receive(room, timeout if may_wait else 0.0)
        self._exchange.get_up()
        self._stats.received += len(deliveries)
        return deliveries

    def _accept(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        arrivals = self._intake.sort(deliveries)
        if arrivals.jobs:
            self._held.update(arrivals.jobs)
            self._slots.submit(arrivals.jobs)
        self._settler.add_arrivals(arrivals)

    def _collect(self) -> None:
        """Settle what the slots have finished."""
        jobs = self._exchange.collect()
        if jobs:
            self._held.difference_update(jobs)
            self._stats.add_finished(jobs)
            self._window.measure(jobs)
            self._last_finish = self._clock.monotonic()
            self._settler.add_jobs(self._without_unfinished(jobs))
        elif self._held:
            self._window.stall(self._clock.monotonic() - self._last_finish)
        self._settler.flush()

    def _without_unfinished(self, jobs: list[Job]) -> list[Job]:
        """While stopping, give back what workers left unfinished, where that goes."""
        if not (self._cancel.requested and self._bus.capabilities.nack):
            return jobs
        unfinished = [job for job in jobs if job.outcome.unfinished]
        self._give_back(unfinished)
        return [job for job in jobs if job not in set(unfinished)]

    def _finish(self) -> None:
        """Let held work finish; after a stop, only for so long."""
        deadline = float("inf")
        while self._held:
            now = self._clock.monotonic()
            if self._stops and not self._cancel.requested:
                self._retreat()
                deadline = now + self._plan.kill_time
            if self._stops > 1 or now >= deadline:
                break
            self._exchange.sleep(min(PATIENCE, deadline - now), wake_at=1)
            self._collect()
        self._abandon()
        self._return_read_ahead()
        self._settler.flush()

    def _retreat(self) -> None:
        """Give back what no slot has begun, and tell the workers to stop early."""
        buffered = self._exchange.recall()
        self._held.difference_update(buffered)
        self._give_back(buffered)
        self._cancel.request()
        self._settler.flush()

    def _abandon(self) -> None:
        """Give back the tasks that would not stop; their late results are dropped."""
        if not self._held:
            return
        waited = format_duration(timedelta(seconds=self._plan.kill_time))
        outcome = failed(f"worker forced to close; waited '{waited}'")
        self._stats.abandoned += len(self._held)
        # Copies: the worker still holds the task itself.
        jobs = [Job(job.delivery, replace(job.task)) for job in self._held]
        self._held.clear()
        self._give_back(jobs, outcome)

    def _give_back(self, jobs: list[Job], outcome: Outcome = INTERRUPTED) -> None:
        """Return jobs to the bus; a bus that takes nothing back gets done tasks."""
        if not jobs:
            return
        if self._bus.capabilities.nack:
            self._consumer.nack([job.delivery for job in jobs])
            self._stats.returned += len(jobs)
            return
        for job in jobs:
            job.outcome = outcome
            stamp_unrun(job.task, self._clock)
        self._settler.add_jobs(jobs)

    def _return_read_ahead(self) -> None:
        """See to it that what a pipe had to read ahead is not lost."""
        deliveries = self._consumer.drain()
        if not deliveries:
            return
        if self._stops:
            arrivals = self._intake.sort(deliveries)
            self._give_back(arrivals.jobs)
            self._settler.add_arrivals(arrivals)
        else:
            reason = "read ahead but not taken: --max-tasks reached"
            dead = [(d, self._undertaker.bury(d, reason)) for d in deliveries]
            self._settler.add_arrivals(Arrivals(dead=dead))
