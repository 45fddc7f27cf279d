"""Deliveries -> jobs. What is no task, or of the wrong type, goes past the slots."""

from collections.abc import Sequence

import attrs

from task_core.api.message import Delivery, Message
from task_core.api.worker import failed
from task_core.clock import Clock
from task_core.errors import DecodeError
from task_core.launcher.dead_letters import DeadLetters
from task_core.launcher.hooks import Hooks
from task_core.launcher.job import Job, stamp_unrun
from task_core.wire import decode_task


@attrs.define(kw_only=True, eq=False)
class Arrivals:
    """What became of some deliveries.

    Args:
        jobs: To be run.
        refused: Jobs that have their outcome already.
        ignored: To be acknowledged, and nothing else.
        dead: Those that are no tasks, with the letters to send for them.
    """

    jobs: list[Job] = attrs.field(factory=list)
    refused: list[Job] = attrs.field(factory=list)
    ignored: list[Delivery] = attrs.field(factory=list)
    dead: list[tuple[Delivery, Message]] = attrs.field(factory=list)


class Intake:
    """Decodes what was received.

    Args:
        dead_letters: Writes the letters for what is no task.
        task_type: The worker's.
        type_policy: `run`, `reject` or `ignore` tasks of another type.
        max_attempts: Receipts after which a delivery is dead.
        clock: For refused tasks.
        hooks: Told of every task.
    """

    def __init__(
        self,
        *,
        dead_letters: DeadLetters,
        task_type: str,
        type_policy: str,
        max_attempts: int,
        clock: Clock,
        hooks: Hooks,
    ) -> None:
        self._dead_letter = dead_letters.write
        self._task_type = task_type
        self._policy = type_policy
        self._max_attempts = max_attempts
        self._clock = clock
        self._received = hooks.observer("task_received")

    def sort(self, deliveries: Sequence[Delivery]) -> Arrivals:
        """Decode deliveries and decide what becomes of each."""
        arrivals = Arrivals()
        jobs = arrivals.jobs
        for delivery in deliveries:
            try:
                job = Job(delivery, decode_task(delivery.body))
            except DecodeError as error:
                arrivals.dead.append(
                    (delivery, self._dead_letter(delivery, str(error)))
                )
                continue
            if delivery.attempt > self._max_attempts:
                reason = f"handed out {delivery.attempt} times and never settled"
                arrivals.dead.append((delivery, self._dead_letter(delivery, reason)))
                continue
            jobs.append(job)
        if self._received is not None:
            for job in jobs:
                self._received(task=job.task, delivery=job.delivery)
        if self._policy != "run":
            self._part(arrivals)
        return arrivals

    def _part(self, arrivals: Arrivals) -> None:
        """Take the jobs of another type out of the way."""
        strangers = [job for job in arrivals.jobs if job.task.type != self._task_type]
        if not strangers:
            return
        wanted = self._task_type
        arrivals.jobs = [job for job in arrivals.jobs if job.task.type == wanted]
        if self._policy == "ignore":
            arrivals.ignored = [job.delivery for job in strangers]
            return
        for job in strangers:
            self._refuse(job)
        arrivals.refused = strangers

    def _refuse(self, job: Job) -> None:
        wrong, wanted = job.task.type, self._task_type
        job.outcome = failed(f"unexpected task type '{wrong}' wanting '{wanted}'")
        stamp_unrun(job.task, self._clock)
