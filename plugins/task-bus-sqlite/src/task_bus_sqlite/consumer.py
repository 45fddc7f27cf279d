"""Reads one channel of a database: receive, settle, give back, and how it waits."""

import contextlib
from collections.abc import Sequence
from time import monotonic, time

from task_bus_sqlite.channel import Channel, ChannelGoneError
from task_bus_sqlite.channels import RENEW_EVERY
from task_bus_sqlite.database import Database
from task_bus_sqlite.errors import LockedError, of_send
from task_bus_sqlite.file import Transaction
from task_bus_sqlite.lease import Lease, runs_of
from task_bus_sqlite.tidying import EVERY, TURN
from task_core.api import (
    Bus,
    BusError,
    Consumer,
    Delivery,
    Event,
    LeaseLostError,
    Message,
)

FIRST_LOOK, QUICK_LOOK, LAST_LOOK = 0.001, 0.02, 0.09
"""Seconds between two looks at whether somebody has written. They get longer: quickly
at first, then slowly, so that who waits for long takes less than half a percent."""


class SqliteConsumer(Consumer):
    """Reads one channel.

    Args:
        bus, topic, channel: As for every consumer.
        database: Where they are.
        only_looks: Whether the channel is to go with it.
    """

    knows_lost = True

    def __init__(
        self, bus: Bus, topic: str, channel: str, database: Database, only_looks: bool
    ) -> None:
        super().__init__(bus, topic, channel)
        self._database = database
        self._file = database.file
        self._turn = Transaction(self._file, TURN)
        self._only_looks = only_looks
        self._locked_since: float | None = None
        self._attach()

    def _attach(self) -> None:
        """Find the channel in the file, or make it."""
        place = self._database.channels.open(
            self.topic, self.channel, temporary=self._only_looks
        )
        self._stored = Channel(self._file, place, self.bus.lease)
        self._alone = not place.temporary
        self._empty = False  # whether the last claim found nothing
        self._renew_at = monotonic() + RENEW_EVERY

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        try:
            if not self._alone and monotonic() >= self._renew_at:
                self._renew()  # first this: tidying deletes what is over
            if self._database.tidying.due():
                self._tidy()
            # An empty channel is only looked at: looking takes no lock from others.
            if self._empty and not self._await_change(min(timeout, EVERY)):
                return ()
            return self._claim(limit)
        except ChannelGoneError:
            self._attach()  # somebody deleted it, or the file is another one
            return ()

    def _tidy(self) -> None:
        self._database.tidying.run()
        self._alone = not self._stored.place.temporary  # others may have gone

    def _renew(self) -> None:
        """Say that the reader of a temporary channel lives."""
        if self._stored.place.temporary:
            with self._file.transaction:
                self._database.channels.renew(self._stored.place.channel)
        self._renew_at = monotonic() + RENEW_EVERY

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

    def _await_change(self, timeout: float) -> bool:
        """Wait until there may be something to claim; False when late or woken."""
        self._file.check()
        deadline = monotonic() + timeout
        version = self._file.version()  # first this, then look
        change = self._stored.next_change()
        pause = FIRST_LOOK
        while time() < change and self._file.version() == version:
            left = deadline - monotonic()
            if left <= 0:
                return False
            if self._waker.wait(min(pause, left, change - time())) is Event.WOKEN:
                return False
            pause = min(pause * (2 if pause < QUICK_LOOK else 1.1), LAST_LOOK)
        return True

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        """Acknowledge and send in one transaction: both happen or neither."""
        try:
            self._commit(deliveries, messages)
        except BusError as error:
            raise of_send(error, messages) from None

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge all or, when a lease was lost, none."""
        self._commit(deliveries, ())

    def _commit(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        with self._file.transaction:
            runs = runs_of(self._leases(deliveries))
            if not self._stored.forget(runs):
                raise self._lost(deliveries)
            place = self._stored.place
            self._alone = self._database.retention.retire(
                place.topic, place.channel, runs, alone=self._alone
            )
            if messages:
                self._database.topics.append(messages)

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        """Give these back; one whose lease was lost is somebody else's already."""
        with self._file.transaction:
            self._stored.give_back(self._leases(deliveries), delay)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the lease of these; `settle` tells of those that were lost."""
        with self._file.transaction:
            confirm = self._stored.extend(self._leases(deliveries))
        confirm()

    def _close(self) -> None:
        # If that fails, the leases end by themselves, and so does the channel.
        with contextlib.suppress(BusError), self._file.transaction:
            if self._stored.place.temporary:
                self._database.channels.leave(self._stored.place)
            else:
                self._stored.give_back_all()
        self._database.tidying.finish()

    def _leases(self, deliveries: Sequence[Delivery]) -> list[Lease]:
        """Return the leases; those of a file that is gone went with it."""
        leases: list[Lease] = [delivery.token for delivery in deliveries]
        if now := self._file.generation:
            return [lease for lease in leases if lease.file == now]
        return leases

    def _lost(self, deliveries: Sequence[Delivery]) -> LeaseLostError:
        """Find out which are lost, in a transaction that the caller rolls back."""
        self._file.rollback()
        self._file.begin(self._file.patience)
        lost = [one for one in deliveries if not self._stored.holds(one.token)]
        return LeaseLostError(
            f"bus 'sqlite': the lease of {len(lost)} of {len(deliveries)} deliveries of"
            f" topic '{self.topic}' was over and others have them; nothing was settled",
            lost,
        )
