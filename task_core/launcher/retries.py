"""Running a failed task again: through the bus, later, never by sleeping in a slot."""

import logging
from collections.abc import Callable

from task_core.api.message import LONGEST_DELAY, Message
from task_core.api.worker import Kind, failed
from task_core.launcher.at_work import about, name_of
from task_core.launcher.context import Job
from task_core.launcher.outages import random_part
from task_core.launcher.plan import Hooks, Plan
from task_core.task import Task, merge_meta, parse_meta
from task_core.wire import encode_task

RETRY = "retry"
"""Key of the task's meta that counts how often it has run before."""
ASKED = 4
"""How often a task runs again when the worker returned `retry()`."""
LONGEST = 3600.0
"""Seconds that a task waits for its next run at most, unless the worker says more."""


class Retries:
    """Makes the message that brings a failed task back.

    The delay grows exponentially and has full jitter: a random part of it, so that
    tasks which failed together do not come back together.

    Args:
        plan: Tells how often and when, and where the tasks come from.
        hooks: Asked for the delay first.
        longest: Seconds that the bus can delay a message, or None for a century.
        log: Told when a delay is shortened to that.
        choose: Returns a random number between 0 and its argument.
    """

    def __init__(
        self,
        plan: Plan,
        hooks: Hooks,
        longest: float | None = None,
        log: logging.Logger | None = None,
        choose: Callable[[float], float] = random_part,
    ) -> None:
        self._plan = plan
        self._longest = LONGEST_DELAY if longest is None else longest
        self._log = log
        self._choose = choose
        self._decide = hooks.decider("task_retry_delay")

    def again(self, job: Job) -> Message | None:
        """Return what to send for another run, or None when this was the last one."""
        outcome, task = job.outcome, job.task
        if outcome.kind == Kind.LATER:  # it has not run: the same bytes will do
            delay = self._shortened(outcome.delay or 0.0, job)
            return Message(self._plan.topic, job.delivery.body, delay=delay)
        if outcome.kind not in (Kind.ERROR, Kind.RETRY):
            return None
        if outcome.kind == Kind.ERROR and self._plan.retry_on and not job.excepted:
            return None
        count = retries_of(task) + 1
        allowed = self._plan.retries
        if outcome.kind == Kind.RETRY:
            allowed = max(allowed, ASKED)
        if count > allowed:
            return None
        next_run = Task(
            type=task.type,
            job=task.job,
            info=task.info,
            created=task.created,
            id=task.id,
            meta=merge_meta(task.meta, {RETRY: str(count)}),
        )
        delay = self._shortened(self._delay(job, count), job)
        return Message(self._plan.topic, encode_task(next_run), delay=delay)

    def _shortened(self, delay: float, job: Job) -> float:
        """Return a delay that the bus can keep."""
        if delay <= self._longest:
            return delay
        if self._log is not None:
            self._log.warning(
                "task %s: a retry is due in %gs, but the bus delays at most %gs: it"
                " comes then",
                name_of(job),
                delay,
                self._longest,
                extra=about(job),
            )
        return self._longest

    def _delay(self, job: Job, count: int) -> float:
        if job.outcome.delay is not None:
            return job.outcome.delay
        if (decided := self._decided(job, count)) is not None:
            return min(max(0.0, decided), LONGEST)
        doubled = self._plan.retry_delay * 2.0 ** min(count - 1, 60)  # no more counts
        return self._choose(min(doubled, LONGEST))

    def _decided(self, job: Job, count: int) -> float | None:
        """Return what a hook says; what is wrong with that takes no run away."""
        if self._decide is None:
            return None
        try:
            said = self._decide(task=job.task, attempt=count, outcome=job.outcome)
            return None if said is None else float(said)
        except BaseException as error:  # noqa: BLE001  nothing harms a task
            if self._log is not None:
                text = "task %s: its next run comes after the delay of the launcher: %s"
                self._log.warning(
                    text, name_of(job), failed(error).msg, extra=about(job)
                )
            return None


def retries_of(task: Task) -> int:
    """Return how often a task has run before, as its meta says."""
    if RETRY not in task.meta:
        return 0
    text = parse_meta(task.meta).get(RETRY, ["0"])[-1]
    return int(text[:9]) if text.isascii() and text.isdigit() else 0
