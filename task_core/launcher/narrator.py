"""What `-l debug` tells of each task: received, started, finished, settled."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from task_core.api.message import Delivery, Settled
from task_core.api.worker import Outcome
from task_core.errors import excerpt
from task_core.launcher.at_work import AT_WORK, about, name_of
from task_core.launcher.context import Job
from task_core.launcher.plan import Hooks
from task_core.task import Task


class Narrator:
    """Hooks around hooks; only who wants to read it has one.

    Args:
        hooks: Who else listens.
        log: Gets a line for each step of a task.
    """

    def __init__(self, hooks: Hooks, log: logging.Logger) -> None:
        self._hooks = hooks
        self._log = log
        self._steps: dict[str, Callable[..., None]] = {
            "task_received": self._received,
            "task_started": self._started,
            "task_finished": self._finished,
            "batch_settled": self._settled,
        }

    def observer(self, name: str) -> Callable[..., None] | None:
        """Return what tells all observers of a hook, and writes its line."""
        others, step = self._hooks.observer(name), self._steps.get(name)
        if step is None:
            return others

        def tell(**facts: Any) -> None:
            step(**facts)
            if others is not None:
                others(**facts)

        return tell

    def decider(self, name: str) -> Callable[..., Any] | None:
        """Return what asks the deciders of a hook."""
        return self._hooks.decider(name)

    def _received(self, task: Task, delivery: Delivery) -> None:
        self._tell("received", Job(delivery, task))

    def _started(self, task: Task) -> None:
        self._tell("started", _job_of(task))

    def _finished(self, task: Task, outcome: Outcome) -> None:
        result = outcome.result or outcome.kind
        words = f": {excerpt(outcome.msg)}" if outcome.msg else ""
        self._tell("finished", _job_of(task), f": {result}{words}")

    def _settled(self, batch: Sequence[Settled]) -> None:
        for one in batch:
            if one.task is None:
                text = "settled a message of topic %s, attempt %d: %s"
                self._log.debug(text, one.topic, one.attempt, one.fate)
            else:
                delivery = Delivery(b"", attempt=one.attempt, position=one.position)
                job = Job(delivery, one.task)
                self._tell("settled", job, f": {one.fate}")

    def _tell(self, step: str, job: Job, more: str = "") -> None:
        self._log.debug("%s task %s%s", step, name_of(job), more, extra=about(job))


def _job_of(task: Task) -> Job:
    """Return the job of the slot that runs this."""
    slot = AT_WORK.get()
    if slot is not None and slot.job is not None:
        return slot.job
    return Job(Delivery(b""), task)
