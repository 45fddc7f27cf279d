"""The hook `task_rate`: what has run too often lately comes again later."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import attrs

from task_core.api.worker import later
from task_core.clock import Clock
from task_core.errors import HookError
from task_core.launcher.at_work import failed_by
from task_core.launcher.context import Job
from task_core.launcher.plan import parse_rate

MOST_KEYS = 10_000
"""Keys after which those that hold nothing back any more are forgotten first."""

_rate = lru_cache(maxsize=256)(parse_rate)


@attrs.define(eq=False)
class Schedule:
    """When tasks of one key may run.

    Args:
        free: When the next one may.
        promised: Until when those that were put off have a place.
    """

    free: float
    promised: float


class Keys:
    """Puts off tasks whose key has run too often lately.

    Those of one key have a place each, one behind the other: so they come again one at
    a time, and not all at once when one may run.

    Args:
        decide: Asks the hook: None, or a key and its rate.
        clock: Measures.
    """

    def __init__(self, decide: Callable[..., Any], clock: Clock) -> None:
        self._decide = decide
        self._clock = clock
        self._schedules: dict[str, Schedule] = {}
        self._most = MOST_KEYS

    def part(self, jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
        """Split jobs into those that may run, and those that have an outcome now."""
        now = self._clock.monotonic()
        self._forget(now)
        runs: list[Job] = []
        others: list[Job] = []
        for job in jobs:
            try:
                delay = self._delay(job, now)
            except BaseException as error:  # noqa: BLE001  a decider's error is the task's
                job.outcome = failed_by(error, job)
                others.append(job)
                continue
            if delay:
                job.outcome = later("its key has run too often lately", delay)
            (others if delay else runs).append(job)
        return runs, others

    def _delay(self, job: Job, now: float) -> float:
        """Return the seconds until a job may run; 0: it runs now."""
        answer = self._decide(task=job.task)
        if answer is None:
            return 0.0
        key, pause = self._checked(answer)
        one = self._schedules.setdefault(key, Schedule(now, now))
        # Half a pause early counts as in time: what was put off comes about when it
        # should. The average is the rate all the same.
        if now >= one.free - pause / 2:
            one.free = max(now, one.free) + pause
            return 0.0
        one.promised = max(one.promised, one.free)
        delay = one.promised - now
        one.promised += pause
        return delay

    def _forget(self, now: float) -> None:
        """Forget what holds nothing back; look again when there are twice as many.

        Keys that are all needed, for an hour perhaps, would be looked through for each
        batch otherwise.
        """
        if len(self._schedules) > self._most:
            self._schedules = {
                key: one
                for key, one in self._schedules.items()
                if max(one.free, one.promised) > now
            }
            self._most = max(MOST_KEYS, 2 * len(self._schedules))

    def _checked(self, answer: Any) -> tuple[str, float]:
        """Return a key, and the seconds between two of its tasks.

        Raises:
            HookError: The hook answered nonsense.
        """
        try:
            if list(map(type, answer)) == [str, str]:
                return answer[0], 1 / _rate(answer[1])
        except (TypeError, ValueError):
            pass
        who = getattr(self._decide, "who", "hooks")
        raise HookError(
            f"{who}: task_rate returned {answer!r}, wanted a key and a"
            " rate, for example ('customer 7', '5/m')"
        )
