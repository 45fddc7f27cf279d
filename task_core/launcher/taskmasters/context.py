"""The `TaskmasterContext` of the contract: what one loop of a taskmaster is given."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from task_core.api.bus import Bus
from task_core.api.message import Message, check_messages
from task_core.api.plugin import not_a_task
from task_core.clock import Clock
from task_core.launcher.plan import Hooks, NoHooks, Plan
from task_core.launcher.taskmasters.bus import LoopBus
from task_core.launcher.taskmasters.reader import LoopReader
from task_core.task import Task, topic_of
from task_core.wire import decode_task, encode_readable

T = TypeVar("T")


class LoopContext:
    """What a loop sees of what runs it.

    Args:
        bus: What carries the tasks, for this loop alone.
        plan: Tells the lease and the most attempts.
        hooks: Who listens.
        clock, log: As everywhere.
    """

    def __init__(
        self, bus: Bus, plan: Plan, hooks: Hooks, clock: Clock, log: logging.Logger
    ) -> None:
        self.clock = clock
        self.log = log
        self.line = LoopBus(bus, plan, hooks, clock, log)
        self._hooks = hooks
        self._before_send = hooks.decider("task_before_send")

    @property
    def stopping(self) -> bool:
        """Whether the loop should return soon; keeps the lease of what is in work."""
        return self.line.stopping

    def stop(self) -> None:
        """Make every wait end (any thread)."""
        self.line.stop()

    def wake(self) -> None:
        """Make `wait` or `wait_until` return, or the next one (any thread)."""
        self.line.wake()

    def send(self, task: Task, topic: str | None = None) -> None:
        """Send a task; inside the body of a loop it leaves with the settle.

        Raises:
            DecodeError: It is no task that could be read again.
            PayloadError: The bus can never carry it.
        """
        self.send_all([(task, topic)])

    def send_all(self, tasks: Iterable[tuple[Task, str | None]]) -> None:
        """Send tasks in one call, as `send` does.

        Raises:
            DecodeError: One is no task that could be read again; none was sent.
            PayloadError: The bus can never carry some of them, and it tells which.
        """
        messages = [self._message(task, topic) for task, topic in tasks]
        if not messages:
            return
        line = self.line
        work = line.works.inner
        if work is None:
            line.send(messages)
        else:
            check_messages(line.bus, messages)  # here its author can do something
            line.keep()
            work.messages += messages

    def deliveries(self, topic: str, channel: str) -> Iterator[Task]:
        """Iterate over the tasks of a topic until stopped.

        A loop body that breaks gives its delivery back with its next use of this
        context, one that raises at the end.
        """
        for (task,) in self.batches(topic, channel, 1, 0):
            yield task

    def batches(
        self, topic: str, channel: str, limit: int = 1000, wait: float = 1.0
    ) -> Iterator[list[Task]]:
        """Iterate over batches of tasks of a topic until stopped.

        Raises:
            ValueError: No batch could be so small.
        """
        return self._batches(topic, channel, decode_task, limit, wait, self._hooks)

    def messages(
        self,
        topic: str,
        channel: str,
        read: Callable[[bytes], T],
        limit: int = 1000,
        wait: float = 1.0,
    ) -> Iterator[list[T]]:
        """Iterate over batches of what is no task; hooks hear of tasks alone.

        Raises:
            ValueError: No batch could be so small.
        """
        return self._batches(topic, channel, read, limit, wait, NoHooks())

    def wait(self, seconds: float) -> bool:
        """Sleep, or until `wake`; return True when stopping, at once in that case."""
        end = self.clock.monotonic() + seconds
        while (left := end - self.clock.monotonic()) > 0:
            if self.line.nap(left):
                break
        return self.stopping

    def wait_until(self, moment: datetime) -> bool:
        """Sleep until a moment, or until `wake`; return True when stopping.

        Raises:
            ValueError: The moment does not tell its zone.
        """
        if moment.tzinfo is None:
            text = f"wait_until needs a moment with a zone, for example UTC: {moment}"
            raise ValueError(text)
        while (left := moment.timestamp() - self.clock.time()) > 0:
            if self.line.nap(left):
                break
        return self.stopping

    def _batches(
        self,
        topic: str,
        channel: str,
        read: Callable[[bytes], T],
        limit: int,
        wait: float,
        hooks: Hooks,
    ) -> Iterator[list[T]]:
        if limit < 1:
            raise ValueError(f"batches: a limit is 1 or more, not {limit}")
        with self.line.reading(topic, channel) as consumer:
            reader = LoopReader(self.line, consumer, read, limit, wait, hooks)
            yield from reader.batches()

    def _message(self, task: Task, topic: str | None) -> Message:
        if not isinstance(task, Task):
            raise TypeError(f"ctx.send: {not_a_task(task)}")
        topic = topic or topic_of(task)
        if self._before_send is not None:
            task = self._before_send(task=task, topic=topic, parent=None) or task
            if not isinstance(task, Task):
                kind = type(task).__name__
                raise TypeError(f"a task_before_send hook returned {kind}, not a task")
        # Who reads it could do nothing else with what it refuses.
        body, _ = encode_readable(task)
        return Message(topic, body)
