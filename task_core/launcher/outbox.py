"""Finished jobs -> one settle: done tasks, children and dead letters, then the acks."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from task_core.api.bus import Consumer
from task_core.api.message import Delivery, Message
from task_core.api.worker import COMPLETE, Kind, Outcome
from task_core.clock import Clock
from task_core.errors import LeaseLostError, PayloadError
from task_core.launcher.at_work import failed_by, tell_failed
from task_core.launcher.batch import (
    DEAD,
    IGNORED,
    LATER,
    RETRY,
    Batch,
    dead_letter,
    settled_of,
)
from task_core.launcher.context import Job
from task_core.launcher.plan import Hooks, Plan
from task_core.launcher.stats import Stats
from task_core.task import Task
from task_core.wire import decode_task, encode_task, encode_tasks

if TYPE_CHECKING:
    from task_core.launcher.retries import Retries

FAILED = ("error", "alert")
"""Results of tasks that failed."""
NOT_DONE = (RETRY, LATER, DEAD, IGNORED)
"""Fates of which no task is done."""


class Outbox:
    """Gathers what is to be settled, and settles it in one call.

    Args:
        plan: Tells the topics.
        retries: Brings failed tasks back, or None.
        stats: Counts what the bus confirmed.
        hooks: Told of it.
        clock: For the time in dead letters.
    """

    def __init__(
        self,
        plan: Plan,
        retries: "Retries | None",
        stats: Stats,
        hooks: Hooks,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._retries = retries
        self._stats = stats
        self._clock = clock
        self._before_send = hooks.decider("task_before_send")
        self._on_sent = hooks.observer("task_sent")
        self._on_settled = hooks.observer("task_settled")
        self._on_batch = hooks.observer("batch_settled")
        self._batch = Batch()
        self.last_failed: Job | None = None
        """What was done last with an error."""

    @property
    def waiting(self) -> Sequence[Delivery]:
        """Deliveries that were gathered and are not settled."""
        return self._batch.deliveries

    def add_jobs(self, jobs: Sequence[Job]) -> None:
        """Gather the done tasks and the children of jobs that have an outcome."""
        more = [
            job
            for job in jobs
            if job.outcome is not COMPLETE or (job.context and job.context.children)
        ]
        if not more and self._before_send is None:
            with contextlib.suppress(Exception):  # one by one tells whose fault it is
                self._add_simple(jobs)
                return
        for job in jobs:
            if job.outcome is not COMPLETE and self._runs_again(job):
                continue
            job.task.result, job.task.msg = job.outcome.result, job.outcome.msg
            try:
                messages = self._family(job)
            except BaseException as error:  # noqa: BLE001  also of a decider: the task's
                messages = [self._report(job, failed_by(error, job))]
            fate = None if job.outcome is COMPLETE else job.outcome.result
            if fate in FAILED:
                self.last_failed = job
                tell_failed(job)
            self._batch.add(job.delivery, messages, fate, job)

    def _add_simple(self, jobs: Sequence[Job]) -> None:
        """Gather jobs that are complete without a word: most are, so all at once."""
        batch, topic, tasks = self._batch, self._plan.done_topic, []
        result, msg = COMPLETE.result, COMPLETE.msg
        for job in jobs:
            task = job.task
            task.result, task.msg = result, msg
            tasks.append(task)
        messages = [Message(topic, body) for body in encode_tasks(tasks)]
        batch.messages += messages
        batch.ends += range(
            len(batch.messages) - len(jobs) + 1, len(batch.messages) + 1
        )
        batch.deliveries += [job.delivery for job in jobs]
        batch.jobs += jobs

    def add(self, delivery: Delivery, fate: str, message: Message | None) -> None:
        """Gather a delivery that leaves no done task."""
        self._batch.add(delivery, [message] if message else [], fate)

    def add_dead(self, delivery: Delivery, reason: str) -> None:
        """Gather a delivery that goes to the dead topic, with its original bytes."""
        message = dead_letter(delivery, reason, self._plan, self._clock)
        self.add(delivery, DEAD, message)

    def flush(self, consumer: Consumer) -> bool:
        """Settle what was gathered; when it raises, everything is kept.

        What went to others meanwhile, because its lease was lost, is left out.

        Args:
            consumer: What the deliveries came from.

        Returns:
            Whether the bus settled anything.
        """
        settled = False
        tries: Counter[int] | None = None
        while self._batch:
            batch = self._batch
            try:
                consumer.settle(batch.deliveries, batch.messages)
            except LeaseLostError as error:
                self._leave_out(error)
            except PayloadError as error:
                # Few launches ever meet such a message.
                from task_core.launcher.refused import replace_refused  # noqa: PLC0415

                tries = Counter() if tries is None else tries
                longest = consumer.bus.capabilities.max_bytes
                self._batch = replace_refused(
                    batch, error, tries, self._plan, self._clock, longest
                )
            else:
                settled, self._batch = True, Batch()
                self._count(batch)
                self._tell(batch)
        return settled

    def _leave_out(self, error: LeaseLostError) -> None:
        before = len(self._batch)
        self._batch = self._batch.without(error.deliveries)
        if len(self._batch) == before:
            raise error  # it names none of ours: trying again would not help
        self._stats.lost += before - len(self._batch)

    def _family(self, job: Job) -> list[Message]:
        """Return the messages of a job's children and then of its done task."""
        children = job.context.children if job.context is not None else []
        done_topic = self._plan.done_topic
        task = job.task
        messages = [self._message(child, topic, task) for child, topic in children]
        return [*messages, self._message(task, done_topic, task)]

    def _report(self, job: Job, outcome: Outcome) -> Message:
        """Return the done task of a job with another outcome, and without children."""
        job.outcome = outcome
        job.task.result, job.task.msg = outcome.result, outcome.msg
        try:
            body = encode_task(job.task)
        except TypeError:  # the worker has put something into it that is no text
            task = decode_task(job.delivery.body)
            job.task = replace(task, result=outcome.result, msg=outcome.msg)
            body = encode_task(job.task)
        return Message(self._plan.done_topic, body)

    def _message(self, task: Task, topic: str, parent: Task) -> Message:
        if self._before_send is not None:
            decided = self._before_send(task=task, topic=topic, parent=parent)
            task = decided or task
            if not isinstance(task, Task):
                kind = type(task).__name__
                raise TypeError(f"a task_before_send hook returned {kind}, not a task")
        return Message(topic, encode_task(task))

    def _runs_again(self, job: Job) -> bool:
        """Gather the message that brings a task back, if it has runs left."""
        try:
            message = self._retries and self._retries.again(job)
        except BaseException as error:  # noqa: BLE001  a decider's error is the task's
            job.outcome = failed_by(error, job)
            return False
        if message:
            if job.outcome.kind == Kind.ERROR:  # else the worker wants it so
                tell_failed(job, again=True)
            fate = LATER if job.outcome.kind == Kind.LATER else RETRY
            self._batch.add(job.delivery, [message], fate, job)
        return message is not None

    def _count(self, batch: Batch) -> None:
        """Count what the bus has confirmed."""
        stats = self._stats
        stats.sent.update([message.topic for message in batch.messages])
        if not batch.fates:
            stats.done += len(batch)
            return
        counts = Counter(batch.fates.values())
        stats.retried += counts[RETRY]
        stats.put_off += counts[LATER]
        stats.dead += counts[DEAD]
        stats.done += len(batch) - sum(counts[fate] for fate in NOT_DONE)
        for fate in NOT_DONE:
            del counts[fate]
        stats.odd.update(counts)

    def _tell(self, batch: Batch) -> None:
        if self._on_sent is not None and batch.messages:
            self._on_sent(messages=batch.messages)
        if self._on_batch is not None:
            self._on_batch(batch=settled_of(batch, self._plan.topic))
        if self._on_settled is None:
            return
        for position, job in enumerate(batch.jobs):
            if job is not None and batch.fates.get(position) not in NOT_DONE:
                self._on_settled(task=job.task)
