"""Finished jobs -> one settle: done tasks, children and dead letters, then the acks."""

from collections import Counter
from collections.abc import Sequence

from task_core.api.bus import Bus, Consumer, Delivery, Message
from task_core.api.worker import COMPLETE, failed
from task_core.runtime.intake import Arrivals
from task_core.runtime.job import Job
from task_core.runtime.listeners import Hooks
from task_core.runtime.retries import Retries
from task_core.runtime.stats import Stats
from task_core.task import Task
from task_core.wire import encode_task


class Settler:
    """Gathers what is to be settled, and settles it in one call.

    Args:
        bus, consumer: What the deliveries came from.
        done_topic: Where done tasks go.
        retries: Brings failed tasks back, or None.
        stats: Counts what the bus confirmed.
        hooks: Told of it.
    """

    def __init__(
        self,
        bus: Bus,
        consumer: Consumer,
        done_topic: str,
        retries: Retries | None,
        stats: Stats,
        hooks: Hooks,
    ) -> None:
        self._bus = bus
        self._consumer = consumer
        self._done_topic = done_topic
        self._retries = retries
        self._stats = stats
        self._before_send = hooks.decider("task_before_send")
        self._on_sent = hooks.observer("task_sent")
        self._on_settled = hooks.observer("task_settled")
        self._deliveries: list[Delivery] = []
        self._messages: list[Message] = []
        self._tasks: list[Task] = []
        self._done = 0
        self._odd: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """How many deliveries were gathered and are not settled."""
        return len(self._deliveries)

    def add_jobs(self, jobs: Sequence[Job]) -> None:
        """Gather the done tasks and the children of jobs that have an outcome."""
        topic, encode, send = self._done_topic, encode_task, self._messages.append
        plain = self._before_send is None
        for job in jobs:
            task, outcome = job.task, job.outcome
            if outcome is not COMPLETE and self._runs_again(job):
                continue
            task.result, task.msg = job.outcome.result, job.outcome.msg
            if plain and (job.context is None or not job.context.children):
                send(Message(topic, encode(task)))
            else:
                self._messages += self._family(job)
            if job.outcome is not COMPLETE:
                self._odd[job.outcome.result] += 1
        self._done += len(jobs)
        self._deliveries += [job.delivery for job in jobs]
        if self._on_settled is not None:
            self._tasks += [job.task for job in jobs if job.task.result]

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
        if not message:
            return False
        self._messages.append(message)
        self._stats.retried += 1
        return True

    def add_arrivals(self, arrivals: Arrivals) -> None:
        """Gather what goes past the slots."""
        if arrivals.refused:
            self.add_jobs(arrivals.refused)
        self._deliveries += arrivals.ignored
        for delivery, message in arrivals.dead:
            self._deliveries.append(delivery)
            self._messages.append(message)
            self._stats.dead += 1

    def flush(self) -> None:
        """Settle what was gathered; when it raises, everything is kept."""
        if not self._deliveries:
            return
        self._bus.settle(self._consumer, self._deliveries, self._messages)
        self._count()
        self._tell()
        self._deliveries, self._messages, self._tasks = [], [], []

    def _count(self) -> None:
        """Count what the bus has confirmed."""
        self._stats.add_sent(self._messages)
        self._stats.done += self._done
        self._stats.odd.update(self._odd)
        self._done = 0
        self._odd.clear()

    def _message(self, task: Task, topic: str) -> Message:
        if self._before_send is not None:
            task = self._before_send(task=task, topic=topic) or task
            if not isinstance(task, Task):
                kind = type(task).__name__
                raise TypeError(f"a task_before_send hook returned {kind}, not a task")
        return Message(topic, encode_task(task))

    def _tell(self) -> None:
        if self._on_sent is not None:
            self._on_sent(messages=self._messages)
        if self._on_settled is not None:
            for task in self._tasks:
                self._on_settled(task=task)
