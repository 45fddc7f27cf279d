"""Finished jobs -> one settle: done tasks, children and dead letters, then the acks."""

from collections.abc import Sequence

from task_core.api.consumer import Consumer
from task_core.api.message import Delivery, Message
from task_core.api.worker import COMPLETE, failed
from task_core.errors import LeaseLostError
from task_core.launcher.batch import DEAD, IGNORED, RETRY, Batch
from task_core.launcher.hooks import Hooks
from task_core.launcher.intake import Arrivals
from task_core.launcher.job import Job
from task_core.launcher.retries import Retries
from task_core.launcher.stats import Stats
from task_core.task import Task
from task_core.wire import encode_task


class Settler:
    """Gathers what is to be settled, and settles it in one call.

    Args:
        consumer: What the deliveries came from.
        done_topic: Where done tasks go.
        retries: Brings failed tasks back, or None.
        stats: Counts what the bus confirmed.
        hooks: Told of it.
    """

    def __init__(
        self,
        consumer: Consumer,
        done_topic: str,
        retries: Retries | None,
        stats: Stats,
        hooks: Hooks,
    ) -> None:
        self._consumer = consumer
        self._done_topic = done_topic
        self._retries = retries
        self._stats = stats
        self._before_send = hooks.decider("task_before_send")
        self._on_sent = hooks.observer("task_sent")
        self._on_settled = hooks.observer("task_settled")
        self._batch = Batch()

    @property
    def waiting(self) -> int:
        """How many deliveries were gathered and are not settled."""
        return len(self._batch)

    @property
    def kept(self) -> Sequence[Delivery]:
        """Deliveries that were gathered and are not settled."""
        return self._batch.deliveries

    def add_jobs(self, jobs: Sequence[Job]) -> None:
        """Gather the done tasks and the children of jobs that have an outcome."""
        batch, topic, encode = self._batch, self._done_topic, encode_task
        messages, keep, end = batch.messages, batch.deliveries.append, batch.ends.append
        plain, watched = self._before_send is None, self._on_settled is not None
        for job in jobs:
            task, outcome = job.task, job.outcome
            if outcome is not COMPLETE and self._runs_again(job):
                continue
            task.result, task.msg = job.outcome.result, job.outcome.msg
            if plain and (job.context is None or not job.context.children):
                messages.append(Message(topic, encode(task)))
            else:
                messages += self._family(job)
            if job.outcome is not COMPLETE:
                batch.fates[len(batch)] = job.outcome.result
            if watched:
                batch.tasks[len(batch)] = task
            keep(job.delivery)
            end(len(messages))

    def _family(self, job: Job) -> list[Message]:
        """Return the messages of a job's children and then of its done task."""
        children = job.context.children if job.context is not None else []
        try:
            messages = [self._message(child, topic) for child, topic in children]
            return [*messages, self._message(job.task, self._done_topic)]
        except Exception as error:  # noqa: BLE001  a decider's error is the task's
            job.outcome = failed(error)
            job.task.result, job.task.msg = job.outcome.result, job.outcome.msg
            return [Message(self._done_topic, encode_task(job.task))]

    def _runs_again(self, job: Job) -> bool:
        """Gather the message that brings a failed task back, if it has runs left."""
        try:
            message = self._retries and self._retries.again(job)
        except Exception as error:  # noqa: BLE001  a decider's error is the task's
            job.outcome = failed(error)
            return False
        if message:
            self._batch.add(job.delivery, RETRY, message)
        return message is not None

    def add_arrivals(self, arrivals: Arrivals) -> None:
        """Gather what goes past the slots."""
        if arrivals.refused:
            self.add_jobs(arrivals.refused)
        for delivery in arrivals.ignored:
            self._batch.add(delivery, IGNORED, None)
        for delivery, message in arrivals.dead:
            self._batch.add(delivery, DEAD, message)

    def flush(self) -> bool:
        """Settle what was gathered; when it raises, everything is kept.

        What went to others meanwhile, because its lease was lost, is left out.

        Returns:
            Whether the bus settled anything.
        """
        settled = False
        while self._batch:
            batch = self._batch
            try:
                self._consumer.settle(batch.deliveries, batch.messages)
            except LeaseLostError as error:
                self._batch = batch.without(error.deliveries)
                if len(self._batch) == len(batch):
                    raise  # it names none of ours: trying again would not help
                self._stats.lost += len(batch) - len(self._batch)
            else:
                settled, self._batch = True, Batch()
                self._count(batch)
                self._tell(batch)
        return settled

    def _count(self, batch: Batch) -> None:
        """Count what the bus has confirmed."""
        stats, counts = self._stats, batch.counts()
        stats.add_sent(batch.messages)
        stats.retried += counts[RETRY]
        stats.dead += counts[DEAD]
        stats.done += len(batch) - counts[RETRY] - counts[DEAD] - counts[IGNORED]
        for fate in (RETRY, DEAD, IGNORED):
            del counts[fate]
        stats.odd.update(counts)

    def _message(self, task: Task, topic: str) -> Message:
        if self._before_send is not None:
            task = self._before_send(task=task, topic=topic) or task
            if not isinstance(task, Task):
                kind = type(task).__name__
                raise TypeError(f"a task_before_send hook returned {kind}, not a task")
        return Message(topic, encode_task(task))

    def _tell(self, batch: Batch) -> None:
        if self._on_sent is not None and batch.messages:
            self._on_sent(messages=batch.messages)
        if self._on_settled is not None:
            for task in batch.tasks.values():
                self._on_settled(task=task)
