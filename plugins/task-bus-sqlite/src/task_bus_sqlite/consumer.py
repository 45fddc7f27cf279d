"""Reads one channel of a database: receive, settle, give back, and how it waits."""

import contextlib
from collections.abc import Sequence
from time import monotonic, time

from task_bus_sqlite.channel import Channel
from task_bus_sqlite.errors import LockedError, of_send
from task_bus_sqlite.file import Transaction
from task_bus_sqlite.lease import Lease, runs_of
from task_bus_sqlite.retention import Retention
from task_bus_sqlite.topics import Topics
from task_core.api import (
    Bus,
    BusError,
    Consumer,
    Delivery,
    Event,
    LeaseLostError,
    Message,
)

FIRST_LOOK = 0.001
LAST_LOOK = 0.025
"""Seconds between two looks at whether somebody has written; they get longer."""
TURN = 0.05
"""Seconds that `receive` waits for the lock before it looks at the time again."""
SWEEP_EVERY = 1.0
"""Seconds between two looks for kept messages that are too old."""


class SqliteConsumer(Consumer):
    """Reads one channel.

    Args:
        bus, topic, channel: As for every consumer.
        stored: The channel in the file.
        retention: What becomes of what it settles.
        topics: Where it sends what settling publishes.
    """

    knows_lost = True

    def __init__(
        self,
        bus: Bus,
        topic: str,
        channel: str,
        stored: Channel,
        retention: Retention,
        topics: Topics,
    ) -> None:
        super().__init__(bus, topic, channel)
        self._file = stored.file
        self._stored = stored
        self._retention = retention
        self._topics = topics
        self._turn = Transaction(self._file, TURN)
        self._locked_since: float | None = None
        self._empty = False  # whether the last claim found nothing
        self._sweep_at = 0.0

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        now = monotonic()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_EVERY
            with contextlib.suppress(LockedError):
                self._retention.sweep(self._turn)
        # An empty channel is only looked at: looking takes no lock from others.
        looks_full = not self._empty or self._stored.next_change() <= time()
        if looks_full and (found := self._claim(limit)):
            return found
        while self._wait(now + timeout):
            if found := self._claim(limit):
                return found
        return ()

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        """Acknowledge and send in one transaction: both happen or neither."""
        try:
            self._commit(deliveries, messages)
        except BusError as error:
            raise of_send(error, messages) from None

    def _commit(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        runs = runs_of(_leases(deliveries))
        self._topics.resolve(messages)
        with self._file.transaction:
            if not self._stored.forget(runs):
                raise self._lost(deliveries)
            self._retention.retire(runs)
            if messages:
                self._topics.append(messages)

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge all or, when a lease was lost, none."""
        self._commit(deliveries, ())

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        """Give these back; one whose lease was lost is somebody else's already."""
        with self._file.transaction:
            self._stored.give_back(_leases(deliveries), delay)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the lease of these; `settle` tells of those that were lost."""
        with self._file.transaction:
            confirm = self._stored.extend(_leases(deliveries))
        confirm()

    def _close(self) -> None:
        # If that fails, the leases end by themselves.
        with contextlib.suppress(BusError), self._file.transaction:
            self._stored.give_back_all()

    def _claim(self, limit: int) -> Sequence[Delivery]:
        try:
            with self._turn:
                found = self._stored.claim(limit)
        except LockedError:
            if self._locked_too_long():
                raise
            return ()
        self._locked_since = None
        self._empty = not found
        return found

    def _locked_too_long(self) -> bool:
        """Whether one claim after the other has found the file locked."""
        now = monotonic()
        self._locked_since = self._locked_since or now
        return now - self._locked_since >= self._file.patience

    def _wait(self, deadline: float) -> bool:
        """Wait until there is something to claim; False when late or woken."""
        while monotonic() < deadline:
            version = self._file.version()  # first this, then look
            change = self._stored.next_change()
            if change <= time():
                return self._waker.wait(0) is not Event.WOKEN
            if not self._watch(version, change, deadline):
                return False
        return False

    def _watch(self, version: int, change: float, deadline: float) -> bool:
        """Wait until somebody writes or a moment comes; False when late or woken."""
        look = FIRST_LOOK
        while (left := deadline - monotonic()) > 0:
            if self._waker.wait(min(look, left, change - time())) is Event.WOKEN:
                return False
            if time() >= change or self._file.version() != version:
                return True
            look = min(look * 2, LAST_LOOK)
        return False

    def _lost(self, deliveries: Sequence[Delivery]) -> LeaseLostError:
        """Find out which are lost, in a transaction that the caller rolls back."""
        self._file.begin(self._file.patience)
        lost = [d for d in deliveries if not self._stored.holds(d.token)]
        return LeaseLostError(
            f"bus 'sqlite': the lease of {len(lost)} of {len(deliveries)} deliveries of"
            f" topic '{self.topic}' was over and others have them; nothing was settled",
            lost,
        )


def _leases(deliveries: Sequence[Delivery]) -> list[Lease]:
    return [delivery.token for delivery in deliveries]
