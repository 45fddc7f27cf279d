"""Runs a taskmaster. Its `run` lives in the bus thread and owns the bus."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.message import Delivery, Message, check_messages
from task_core.api.taskmaster import Taskmaster
from task_core.clock import Clock, SystemClock
from task_core.errors import (
    BusConnectionError,
    DecodeError,
    LeaseLostError,
    PayloadError,
)
from task_core.launcher.batch import dead_letter
from task_core.launcher.outages import Outages
from task_core.launcher.plan import Hooks, NoHooks, Plan
from task_core.launcher.refused import KEPT_BYTES
from task_core.task import Task, topic_of
from task_core.wire import decode_task, encode_task

T = TypeVar("T")
LONGEST_WAIT = 60.0
"""Seconds until a wait looks at the clock again: clocks get set, machines sleep."""


class TaskmasterLoop:
    """Gives a taskmaster its context, and stops it.

    Args:
        taskmaster: What to run.
        bus: What carries the tasks; the loop closes it.
        lease: Seconds of lease of a delivery, renewed at a third of it.
        max_attempts: Receipts without settlement after which a delivery is dead, where
            the bus counts: its body raises, or kills the process, each time.
        hooks: Who listens; nobody when None.
        clock, log: The machine's, and one for taskmasters, when None.
    """

    def __init__(
        self,
        taskmaster: Taskmaster,
        bus: Bus,
        *,
        lease: float = 30.0,
        max_attempts: int = 5,
        hooks: Hooks | None = None,
        clock: Clock | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        self._taskmaster = taskmaster
        self._bus = bus
        self._context = LoopContext(
            bus,
            Plan(lease=lease, max_attempts=max_attempts),
            hooks or NoHooks(),
            clock or SystemClock(),
            log or logging.getLogger("task.taskmaster"),
        )

    @property
    def sent(self) -> int:
        """How many tasks it has sent."""
        return self._context.sent

    def run(self) -> None:
        """Run the taskmaster until it returns."""
        try:
            self._taskmaster.run(self._context)
        finally:
            self._bus.close()

    def stop(self) -> None:
        """Ask the taskmaster to return soon (any thread)."""
        self._context.stop()


class LoopContext:
    """The `TaskmasterContext` of the contract."""

    def __init__(
        self,
        bus: Bus,
        plan: Plan,
        hooks: Hooks,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self.clock = clock
        self.log = log
        self.sent = 0
        self._bus = bus
        self._plan = plan
        self._before_send = hooks.decider("task_before_send")
        self._on_sent = hooks.observer("task_sent")
        self._on_received = hooks.observer("task_received")
        self._stopping = threading.Event()
        self._outages = Outages(
            lambda seconds: clock.wait(self._stopping, seconds),
            clock,
            log,
            hooks.observer("bus_lost"),
        )
        self._producer: Producer | None = None
        self._consumers: list[Consumer] = []
        self._work: tuple[Consumer, Delivery] | None = None  # the loop body's delivery
        self._gathered: list[Message] = []
        self._renewal = 0.0

    @property
    def stopping(self) -> bool:
        """Whether `run` should return soon; keeps the lease of what is in work."""
        self._keep()
        return self._stopping.is_set()

    def stop(self) -> None:
        """Make every wait end (any thread)."""
        self._stopping.set()
        for consumer in self._consumers:
            consumer.wake()

    def send(self, task: Task, topic: str | None = None) -> None:
        """Send a task; inside a `deliveries` loop it leaves with the settle.

        Raises:
            PayloadError: The bus can never carry it.
        """
        topic = topic or topic_of(task)
        if self._before_send is not None:
            task = self._before_send(task=task, topic=topic) or task
        message = Message(topic, encode_task(task))
        if self._work:
            check_messages(self._bus, [message])  # here its author can do something
            self._keep()
            self._gathered.append(message)
        else:
            if self._producer is None:
                self._producer = self._bus.producer()
            producer = self._producer
            self._insist(lambda: producer.send([message]))
            self._tell_sent([message])
        self.sent += 1

    def deliveries(self, topic: str, channel: str) -> Iterator[Task]:
        """Iterate over the tasks of a topic until stopped.

        A loop body that breaks or raises gives its delivery back.
        """
        consumer = self._bus.subscribe(topic, channel)
        self._consumers.append(consumer)
        try:
            while not (self.stopping or consumer.exhausted):
                for delivery in self._receive(consumer):
                    yield from self._offer(consumer, delivery)
        finally:
            self._consumers.remove(consumer)
            consumer.close()

    def wait(self, seconds: float) -> bool:
        """Sleep; return True when stopping, at once in that case."""
        end = self.clock.monotonic() + seconds
        while (left := end - self.clock.monotonic()) > 0:
            if self._nap(left):
                return True
        return self.stopping

    def wait_until(self, moment: datetime) -> bool:
        """Sleep until a moment; return True when stopping.

        Raises:
            ValueError: The moment does not tell its zone.
        """
        if moment.tzinfo is None:
            text = f"wait_until needs a moment with a zone, for example UTC: {moment}"
            raise ValueError(text)
        while (left := moment.timestamp() - self.clock.time()) > 0:
            if self._nap(left):
                return True
        return self.stopping

    def _receive(self, consumer: Consumer) -> Sequence[Delivery]:
        """Wait for one delivery; after a stop, an absent broker has none."""
        try:
            return self._insist(lambda: consumer.receive(1, LONGEST_WAIT))
        except BusConnectionError:
            if self.stopping:
                return ()
            raise

    def _insist(self, act: Callable[[], T]) -> T:
        """Do something with the bus, while it is away until somebody stops us."""
        return self._outages.insist(act, lambda: self.stopping)

    def _nap(self, seconds: float) -> bool:
        """Wait for a part of the time, and keep the lease of what is in work."""
        if self._work is None or not self._bus.capabilities.lease:
            return self.clock.wait(self._stopping, min(seconds, LONGEST_WAIT))
        stopping = self.clock.wait(self._stopping, min(seconds, self._plan.lease / 3))
        self._keep()
        return stopping

    def _keep(self) -> None:
        """Renew the lease of what is in work, when a third of it is over.

        Its body owns the bus, so nobody else may: it must ask for something now and
        then, were it only whether to stop.
        """
        if self._work is None or not self._bus.capabilities.lease:
            return
        now = self.clock.monotonic()
        if now < self._renewal:
            return
        self._renewal = now + self._plan.lease / 3
        consumer, delivery = self._work
        # Lost or away: the settle will tell.
        with contextlib.suppress(LeaseLostError, BusConnectionError):
            consumer.extend([delivery])

    def _offer(self, consumer: Consumer, delivery: Delivery) -> Iterator[Task]:
        """Yield the task; when the loop body comes back, settle its delivery."""
        try:
            task = decode_task(delivery.body)
        except DecodeError as error:
            self._bury(consumer, delivery, str(error))
            return
        if delivery.attempt > self._plan.max_attempts:
            reason = f"handed out {delivery.attempt} times and never settled"
            self._bury(consumer, delivery, reason)
            return
        if self._on_received is not None:
            self._on_received(task=task, delivery=delivery)
        outer, gathered = (self._work, self._gathered), list[Message]()
        self._work, self._gathered = (consumer, delivery), gathered
        self._renewal = self.clock.monotonic() + self._plan.lease / 3
        try:
            yield task
        finally:
            self._work, self._gathered = outer
        try:
            self._settle(consumer, delivery, gathered)
        except PayloadError as error:
            self._bury(consumer, delivery, str(error))

    def _bury(self, consumer: Consumer, delivery: Delivery, reason: str) -> None:
        """Send a delivery to the dead topic, cut if the bus cannot carry all of it."""
        self.log.warning("a delivery goes to the dead topic: %s", reason)
        plan = Plan(topic=consumer.topic, channel=consumer.channel).completed("")
        for keep in (None, *KEPT_BYTES):
            letter = dead_letter(delivery, reason, plan, self.clock, keep)
            try:
                self._settle(consumer, delivery, [letter])
            except PayloadError:
                if keep == KEPT_BYTES[-1]:
                    raise
            else:
                break

    def _settle(
        self, consumer: Consumer, delivery: Delivery, messages: list[Message]
    ) -> None:
        try:
            self._insist(lambda: consumer.settle([delivery], messages))
        except LeaseLostError as error:
            self.log.warning("%s: what it led to is left to the other one", error)
        else:
            self._tell_sent(messages)

    def _tell_sent(self, messages: list[Message]) -> None:
        if self._on_sent is not None and messages:
            self._on_sent(messages=messages)
