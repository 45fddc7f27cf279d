"""All that holds a launcher back, as the bus thread asks for it."""

from collections.abc import Sequence
from math import inf

from task_core.api.capabilities import require
from task_core.api.worker import Kind
from task_core.launcher.context import Job, stamp_unrun
from task_core.launcher.limits.bucket import Bucket
from task_core.launcher.limits.keys import Keys
from task_core.launcher.limits.pause import Pause
from task_core.launcher.parts import Parts
from task_core.launcher.plan import Plan


class Limits:
    """Says how many tasks may be taken. All of it is the bus thread's.

    Args:
        plan: What the limits are.
        parts: Those of the launcher.

    Raises:
        UnsupportedCapabilityError: The bus cannot bring later what a hook puts off.
    """

    def __init__(self, plan: Plan, parts: Parts) -> None:
        self.wait = inf
        """Seconds after which there may be more room."""
        self.holds_back = False
        """Whether nothing was asked for because of a limit."""
        self._parts = parts
        self._slot_count = plan.concurrency
        hooks, clock, log = parts.hooks, parts.clock, parts.log
        self._bucket = Bucket(plan.rate, clock) if plan.rate else None
        self._keys: Keys | None = None
        if (decide := hooks.decider("task_rate")) is not None:
            require(parts.bus.capabilities, "delay", parts.bus.name, "a hook task_rate")
            self._keys = Keys(decide, clock)
        self._pause: Pause | None = None
        if plan.pause_on_errors:
            told = map(hooks.observer, ("launcher_paused", "launcher_resumed"))
            self._pause = Pause(plan.pause_on_errors, clock, log, *told)

    @property
    def paused(self) -> bool:
        """Whether all waits since every task failed."""
        return self._pause is not None and self._pause.paused

    def room(self, room: int) -> int:
        """Return how many tasks may be received.

        Args:
            room: How many there is room for.
        """
        self.wait, self.holds_back = inf, False
        if room <= 0:
            return room
        held = len(self._parts.in_flight.jobs)
        if self._bucket is not None:
            tokens, wait = self._bucket.look()
            # What waits for a slot must not run faster later.
            most = self._slot_count + int(self._bucket.size) - held
            room = self._least(room, min(tokens, most), wait)
        if self._pause is not None:
            room = self._least(room, *self._pause.look(self._slot_count, held))
        return room

    def admit(self, jobs: list[Job]) -> list[Job]:
        """Return those of some jobs that may run; the others have an outcome."""
        if self._keys is not None:
            jobs, others = self._keys.part(jobs)
            self._put_off(others)
        self.took(jobs)
        return jobs

    def took(self, jobs: Sequence[Job]) -> None:
        """Note that the slots get jobs."""
        if self._bucket is not None:
            self._bucket.take(len(jobs))
        if self._pause is not None:
            self._pause.took(jobs)

    def note(self, jobs: Sequence[Job]) -> None:
        """Learn from jobs that have an outcome."""
        if self._pause is not None:
            self._pause.note(jobs)

    def finish(self) -> None:
        """Hold nothing back any more."""
        self._pause, self._bucket, self.wait = None, None, inf

    def _put_off(self, jobs: Sequence[Job]) -> None:
        """Settle what does not run now."""
        for job in jobs:
            stamp_unrun(job.task, self._parts.clock)
            self._parts.stats.received -= job.outcome.kind == Kind.LATER
        self._parts.outbox.add_jobs(jobs)

    def _least(self, room: int, most: int, wait: float) -> int:
        """Return what a limit leaves; note when to look again, if that is nothing."""
        if most <= 0:
            self.holds_back = True
            if wait:
                self.wait = min(wait, self.wait)
        return min(room, most)
