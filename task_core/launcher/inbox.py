"""Deliveries -> jobs. What is no task, or of the wrong type, goes past the slots."""

from collections.abc import Sequence

from task_core.api.message import Delivery
from task_core.api.worker import failed
from task_core.clock import Clock
from task_core.errors import DecodeError
from task_core.launcher.batch import IGNORED
from task_core.launcher.context import Job, stamp_unrun
from task_core.launcher.outbox import Outbox
from task_core.launcher.plan import Hooks, Plan, TypePolicy
from task_core.launcher.quarantine import Quarantine
from task_core.wire import decode_task


class Inbox:
    """Decodes what was received.

    Args:
        plan: Tells which tasks are wanted.
        task_type: The worker's.
        quarantine: Tells which one has come too often.
        outbox: Gets what goes past the slots.
        clock: For refused tasks.
        hooks: Told of every task.
    """

    def __init__(
        self,
        plan: Plan,
        task_type: str,
        quarantine: Quarantine,
        outbox: Outbox,
        clock: Clock,
        hooks: Hooks,
    ) -> None:
        self._task_type = task_type
        self._most_bytes = plan.max_task_bytes
        self._policy = plan.type_policy
        self._is_dead = quarantine.is_dead
        self._outbox = outbox
        self._clock = clock
        self._received = hooks.observer("task_received")

    def sort(self, deliveries: Sequence[Delivery]) -> list[Job]:
        """Decode deliveries; return those that are to run."""
        if self._most_bytes:
            deliveries = self._short(deliveries)
        jobs = []
        for delivery in deliveries:
            try:
                job = Job(delivery, decode_task(delivery.body))
            except DecodeError as error:
                self._outbox.add_dead(delivery, str(error))
                continue
            if delivery.attempt > 1 and self._is_dead(delivery):
                reason = f"handed out {delivery.attempt} times and never settled"
                self._outbox.add_dead(delivery, reason)
                continue
            jobs.append(job)
        if self._received is not None:
            for job in jobs:
                self._received(task=job.task, delivery=job.delivery)
        return jobs if self._policy is TypePolicy.RUN else self._own(jobs)

    def _short(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Return those that are not too long; nobody looks into the others."""
        most = self._most_bytes
        for delivery in deliveries:
            if (size := len(delivery.body)) > most:
                reason = f"{size:,} bytes; --max-task-bytes is {most:,}"
                self._outbox.add_dead(delivery, reason)
        return [delivery for delivery in deliveries if len(delivery.body) <= most]

    def _own(self, jobs: list[Job]) -> list[Job]:
        """Return the jobs of the worker's type; the others have their outcome now."""
        own, wanted = [], self._task_type
        for job in jobs:
            if job.task.type == wanted:
                own.append(job)
            elif self._policy is TypePolicy.IGNORE:
                self._outbox.add(job.delivery, IGNORED, None)
            else:
                text = f"unexpected task type '{job.task.type}' wanting '{wanted}'"
                job.outcome = failed(text)
                stamp_unrun(job.task, self._clock)
                self._outbox.add_jobs([job])
        return own
