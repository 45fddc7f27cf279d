"""The bus thread at work, when something holds it back."""

from task_core.api.bus import Consumer
from task_core.launcher.context import Job
from task_core.launcher.limits.limits import Limits
from task_core.launcher.loop import SOON, Loop
from task_core.launcher.parts import Parts
from task_core.launcher.plan import Plan
from task_core.launcher.stop import End


class LimitedLoop(Loop):
    """A loop that asks its limits first. Others pay nothing for them."""

    def __init__(self, plan: Plan, parts: Parts, consumer: Consumer) -> None:
        super().__init__(plan, parts, consumer)
        self._limits = Limits(plan, parts)
        self._is_bounded = parts.bus.capabilities.bounded

    @property
    def paused(self) -> bool:
        """Whether it waits since everything failed."""
        return self._limits.paused

    def finish(self) -> None:
        """Let held work finish; nothing holds it back any more."""
        self._limits.finish()
        super().finish()

    def _look_for_the_end(self) -> End | None:
        """Who asks for nothing sees no empty topic."""
        if self._limits.holds_back:
            self._last_arrival = self._clock.monotonic()
            self.watchdog.feed()
        return super()._look_for_the_end()

    def _room(self) -> int:
        return self._limits.room(super()._room())

    def _longest_wait(self, wake_at: int) -> float:
        seconds = min(super()._longest_wait(wake_at), self._limits.wait)
        if self._limits.holds_back and self._is_bounded:  # the end may come meanwhile
            return min(seconds, SOON)
        return seconds

    def _submit(self, jobs: list[Job]) -> None:
        if admitted := self._limits.admit(jobs):
            super()._submit(admitted)

    def _set_aside(self, suspects: list[Job], *, alone: bool) -> None:
        super()._set_aside(suspects, alone=alone)
        self._limits.took(self._quarantine.waiting)

    def _learn(self, jobs: list[Job]) -> None:
        super()._learn(jobs)
        self._limits.note(jobs)
