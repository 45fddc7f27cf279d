"""What one loop of a taskmaster does with its bus: it insists, renews, and stops.

The thread of the loop owns the bus; only `stop` and `wake` come from others.
"""

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.message import Delivery, Message
from task_core.api.worker import describe
from task_core.clock import Clock
from task_core.errors import (
    BusConnectionError,
    BusError,
    LeaseLostError,
    PayloadError,
    SendError,
)
from task_core.launcher.in_flight import without_lost
from task_core.launcher.outages import Outages
from task_core.launcher.plan import Hooks, Plan
from task_core.launcher.taskmasters.work import Work, Works

T = TypeVar("T")
LONGEST_WAIT = 60.0
"""Seconds until a wait looks at the clock again: clocks get set, machines sleep."""


class LoopBus:
    """The bus of one loop.

    Args:
        bus: What carries the tasks.
        plan: Tells the lease and the most attempts.
        hooks: Told of what is sent and settled, and of outages.
        clock, log: As everywhere.
        sent: Tasks that the bus has confirmed, by topic.
        received, settled, dead: Deliveries; the dead ones are settled, too.
        topics: Those that were read so far.
        on_batch: Told of what became of deliveries, or None.
    """

    def __init__(
        self, bus: Bus, plan: Plan, hooks: Hooks, clock: Clock, log: logging.Logger
    ) -> None:
        self.bus = bus
        self.plan = plan
        self.clock = clock
        self.log = log
        self.sent: Counter[str] = Counter()
        self.received = self.settled = self.dead = 0
        self.topics: frozenset[str] = frozenset()
        self.on_batch = hooks.observer("batch_settled")
        self._on_sent = hooks.observer("task_sent")
        self._stopping = threading.Event()
        self._bell = threading.Event()
        self.outages = Outages(
            lambda seconds: clock.wait(self._stopping, seconds),
            clock,
            log,
            hooks.observer("bus_lost"),
        )
        self._producer: Producer | None = None
        self._consumers: list[Consumer] = []
        self._has_read = False
        self.works = Works(self._close)
        self._leases = bus.capabilities.lease
        self._interval = (
            min(plan.lease / 3, LONGEST_WAIT) if self._leases else LONGEST_WAIT
        )
        self._renewal = 0.0

    @property
    def stopping(self) -> bool:
        """Whether the loop should end soon; keeps the leases of what is in work."""
        self.keep()
        return self._stopping.is_set()

    def stop(self) -> None:
        """Make every wait end (any thread)."""
        self._stopping.set()
        self._bell.set()
        for consumer in tuple(self._consumers):
            consumer.wake()

    def wake(self) -> None:
        """Make the wait of `nap`, or the next one, end (any thread)."""
        self._bell.set()

    def nap(self, seconds: float) -> bool:
        """Wait for a part of the time, and keep the leases of what is in work.

        Returns:
            Whether somebody ended it: by a stop, or to wake it.
        """
        rang = self.clock.wait(self._bell, min(seconds, self._longest))
        if rang and not self._stopping.is_set():
            self._bell.clear()
            if self._stopping.is_set():  # just now
                self._bell.set()
        self.keep()
        return rang

    @contextlib.contextmanager
    def reading(self, topic: str, channel: str) -> Iterator[Consumer]:
        """Read a topic; what is not settled in the end is given back."""
        self.works.give_back()
        consumer = self._subscribe(topic, channel)
        self._consumers.append(consumer)
        self.topics |= {topic}
        try:
            yield consumer
        finally:
            if not self.works.has_left(consumer):
                self._close(consumer)

    def _subscribe(self, topic: str, channel: str) -> Consumer:
        """Begin to read; a broker that has been there before is waited for."""

        def act() -> Consumer:
            return self.bus.subscribe(topic, channel)

        consumer = self._insist(act) if self._has_read or self.sent else act()
        self._has_read = True
        return consumer

    def blame(self, error: Exception) -> None:
        """Bury what a body has failed on alone, when it has come too often.

        Else it would fail at each restart, and what comes behind it have no turn.

        Args:
            error: What the body has raised; none of the bus, which it cannot help.
        """
        failed = self.works.failed_alone()
        if failed is None or isinstance(error, BusError) or self._stopping.is_set():
            return
        work, delivery = failed
        if self.is_often(delivery):
            with contextlib.suppress(BusError):  # then it comes once more
                work.bury(work, delivery, at_last(delivery, error))

    def is_often(self, delivery: Delivery) -> bool:
        """Whether a delivery has come so often that a failure on it is its last."""
        often = delivery.attempt >= self.plan.max_attempts
        return self.bus.capabilities.attempts and often

    def _close(self, consumer: Consumer) -> None:
        self._consumers.remove(consumer)
        consumer.close()

    def keep(self) -> None:
        """Renew the leases of what is in work, when a third of them is over.

        The body owns the bus, so nobody else may: it must ask for something now and
        then, were it only whether to stop.
        """
        self.works.give_back()
        if not (self._leases and self.works.inner):
            return
        now = self.clock.monotonic()
        if now < self._renewal:
            return
        self._renewal = now + self._interval
        for work in self.works:
            # Lost or away: the settle will tell.
            with contextlib.suppress(LeaseLostError, BusConnectionError):
                without_lost(work.consumer.extend, work.deliveries)

    def receive(
        self, consumer: Consumer, limit: int, timeout: float
    ) -> Sequence[Delivery]:
        """Wait for deliveries, and keep the leases of what is in work.

        After a stop, an absent broker has none.
        """
        while True:
            part = min(timeout, self._longest)
            timeout -= part
            try:
                some = self._receive(consumer, limit, part)
            except BusConnectionError:
                if self._stopping.is_set():
                    return ()
                raise
            self.received += len(some)
            self.keep()
            if some or timeout <= 0 or self._stopping.is_set() or consumer.exhausted:
                return some

    def send(self, messages: Sequence[Message]) -> None:
        """Send; when it returns, the bus has confirmed all.

        Raises:
            PayloadError: The bus can never carry some of them; none was sent by this.
            SendError: Some cannot be sent.
        """
        self.works.give_back()
        left = list(range(len(messages)))

        def act() -> None:
            try:
                self._open_producer().send([messages[at] for at in left])
            except PayloadError as error:
                refused = [left[at] for at in error.refused]
                raise PayloadError(str(error), refused) from error
            except SendError as error:
                if error.unsent:  # the others are there
                    left[:] = [left[at] for at in error.unsent]
                text, passing = str(error), error.transient
                raise SendError(text, left, transient=passing) from error

        self._insist(act)
        self.count(messages)
        self._tell_sent(messages)

    def count(self, messages: Sequence[Message]) -> None:
        """Count tasks that the bus has confirmed."""
        self.sent.update([message.topic for message in messages])

    def settle(
        self, work: Work, deliveries: list[Delivery], messages: Sequence[Message]
    ) -> list[Delivery]:
        """Settle deliveries of a work, without those that others have by now.

        Returns:
            Those that were settled; when others have all, nothing was sent.
        """
        rest = list(deliveries)

        def act() -> None:
            work.consumer.settle(rest, messages)

        while rest:
            try:
                self._insist(act)
            except LeaseLostError as error:
                self.log.warning("%s: what it led to is left to the other one", error)
                gone = {id(one) for one in error.deliveries}
                kept = [one for one in rest if id(one) not in gone]
                rest = kept if len(kept) < len(rest) else []  # it names none of ours
            else:
                break
        settled = {id(one) for one in deliveries}
        work.deliveries = [one for one in work.deliveries if id(one) not in settled]
        if rest:
            self.settled += len(rest)
            self._tell_sent(messages)
        return rest

    @property
    def _longest(self) -> float:
        """Seconds to wait at most before looking at the clock and the leases again."""
        return self._interval if self.works.holds else LONGEST_WAIT

    def _receive(
        self, consumer: Consumer, limit: int, timeout: float
    ) -> Sequence[Delivery]:
        return self._insist(lambda: consumer.receive(limit, timeout))

    def _open_producer(self) -> Producer:
        if self._producer is None:
            self._producer = self.bus.producer()
        return self._producer

    def _insist(self, act: Callable[[], T]) -> T:
        """Do something with the bus, while it is away until somebody stops us."""
        return self.outages.insist(act, lambda: self.stopping)

    def _tell_sent(self, messages: Sequence[Message]) -> None:
        if self._on_sent is not None and messages:
            self._on_sent(messages=messages)


def at_last(delivery: Delivery, error: Exception) -> str:
    """Return why a delivery is dead that was failed on each time."""
    return f"handed out {delivery.attempt} times, at last: {describe(error)}"
