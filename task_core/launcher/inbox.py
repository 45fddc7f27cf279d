"""Deliveries -> jobs. What is no task, or of the wrong type, goes past the slots."""

from collections.abc import Sequence

from task_core.api.message import Delivery
from task_core.clock import Clock
from task_core.errors import DecodeError
from task_core.launcher.batch import IGNORED
from task_core.launcher.context import Job, refused, stamp_unrun
from task_core.launcher.outbox import Outbox
from task_core.launcher.plan import Hooks, Plan, TypePolicy
from task_core.launcher.quarantine import Quarantine
from task_core.wire import decode_task, decode_tasks


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
        jobs = self._jobs(deliveries)
        if self._received is not None:
            for job in jobs:
                self._received(task=job.task, delivery=job.delivery)
        return jobs if self._policy is TypePolicy.RUN else self._own(jobs)

    def _jobs(self, deliveries: Sequence[Delivery]) -> list[Job]:
        """Return the jobs of those that are tasks, and have not come too often."""
        try:
            tasks = decode_tasks([delivery.body for delivery in deliveries])
        except DecodeError:
            return [job for one in deliveries if (job := self._job(one))]
        if {delivery.attempt for delivery in deliveries} == {1}:
            return [*map(Job, deliveries, tasks)]
        pairs = zip(deliveries, tasks, strict=True)
        return [Job(one, task) for one, task in pairs if not self._too_often(one)]

    def _job(self, delivery: Delivery) -> Job | None:
        try:
            task = decode_task(delivery.body)
        except DecodeError as error:
            self._outbox.add_dead(delivery, str(error))
            return None
        return None if self._too_often(delivery) else Job(delivery, task)

    def _too_often(self, delivery: Delivery) -> bool:
        """Put a delivery aside that has come too often; say whether it has."""
        if delivery.attempt == 1 or not self._is_dead(delivery):
            return False
        reason = f"handed out {delivery.attempt} times and never settled"
        self._outbox.add_dead(delivery, reason)
        return True

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
                job.outcome = refused(text)
                stamp_unrun(job.task, self._clock)
                self._outbox.add_jobs([job])
        return own
