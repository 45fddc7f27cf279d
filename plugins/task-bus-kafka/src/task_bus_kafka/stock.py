"""What a consumer has of its messages: read, waiting, handed out.

Shared by the thread that owns the bus, which takes and settles, and the pump, which
reads, writes down progress and gives up partitions. `changed` guards everything.
"""

import heapq
import math
import threading
from collections import deque
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from itertools import count
from time import monotonic

import msgspec

from task_bus_kafka.headers import unpack
from task_bus_kafka.ledger import Lease, Ledger
from task_bus_kafka.marks import Mark
from task_core.api.message import Delivery

LOW = 500
"""Read more when fewer messages are ready than this."""
LATE = 0.1
"""Seconds that `receive` may be late after the end of a lease."""
ROOM = 16 * 1024 * 1024
"""Bytes of ready messages beyond which no more are read."""
HOLD = 256 * 1024 * 1024
"""Bytes of messages that wait for their time beyond which no more are read."""
FRAME = 500
"""Bytes that a message takes beside its body."""


class Record(msgspec.Struct, gc=False):
    """A message as the client library read it."""

    partition: int
    offset: int
    body: bytes
    headers: Sequence[tuple[str, bytes | None]] | None


class Stock:
    """Keeps the messages of the partitions that are ours.

    Args:
        lease: Seconds that a delivery may stay out without a word.
    """

    def __init__(self, lease: float) -> None:
        self.changed = threading.Condition()
        self._lease = lease
        self._ledgers: dict[int, Ledger] = {}
        self._ready: deque[Lease] = deque()
        self._size = 0  # bytes in there
        self._waiting: list[tuple[float, int, Lease]] = []  # a heap, by due time
        self._waiting_size = 0  # bytes in there
        self._numbers = count()
        self._held: set[Lease] = set()
        self._look_at = math.inf  # when the first lease may be over
        self._sent: dict[int, Mark] = {}  # what was written down last
        self._silent_since = math.inf  # when the owner said the last word

    # The pump's side.

    @property
    def low(self) -> bool:
        """Whether more should be read."""
        return (
            len(self._ready) < LOW and self._size < ROOM and self._waiting_size < HOLD
        )

    def add(
        self, records: Sequence[Record], marks: Callable[[int], Mark | None]
    ) -> None:
        """Take in what was read.

        Args:
            records: In the order of their offsets.
            marks: Tells how far a new partition is done; it may ask a broker, so
                nobody waits for it here.
        """
        new = {record.partition for record in records}.difference(self.partitions)
        found = {number: marks(number) for number in new}
        with self.changed:
            for number, mark in found.items():
                self._ledgers[number] = Ledger(mark)
            for record in records:
                ledger = self._ledger_of(record)
                headers, wait = None, 0.0
                if record.headers:
                    headers, wait = unpack(record.headers)
                lease = ledger.add(record.offset, record.body, headers)
                if lease is None:
                    continue
                if wait > 0:
                    self._wait(lease, monotonic() + wait)
                else:
                    self._ready.append(lease)
                    self._size += len(lease.body)
            self.changed.notify_all()

    def _ledger_of(self, record: Record) -> Ledger:
        number = record.partition
        if self._ledgers[number].is_behind(record.offset):
            self.release([number])  # the topic was deleted and made anew
            self._ledgers[number] = Ledger(Mark(record.offset, record.offset))
        return self._ledgers[number]

    def changes(self) -> dict[int, Mark]:
        """Return the progress that was not written down yet, as if it now were."""
        with self.changed:
            marks = {
                number: mark
                for number, ledger in self._ledgers.items()
                if self._sent.get(number) != (mark := ledger.mark())
            }
            self._sent.update(marks)
            return marks

    def forget_sent(self) -> None:
        """Note that writing progress down has failed."""
        with self.changed:
            self._sent.clear()

    def release(self, partitions: Collection[int]) -> dict[int, Mark]:
        """Give up partitions; return the progress to be written down."""
        with self.changed:
            marks = {}
            for number in partitions:
                self._sent.pop(number, None)
                if ledger := self._ledgers.pop(number, None):
                    marks[number] = ledger.mark()
                    ledger.drop()
            self._held = {lease for lease in self._held if lease.valid}
            self._sweep_ready()
            self.changed.notify_all()
            return marks

    def _sweep_ready(self) -> None:
        self._ready = deque(lease for lease in self._ready if lease.valid)
        self._size = sum(len(lease.body) for lease in self._ready)
        self._waiting = [entry for entry in self._waiting if entry[2].valid]
        heapq.heapify(self._waiting)
        self._waiting_size = sum(len(lease.body) + FRAME for *_, lease in self._waiting)

    @property
    def partitions(self) -> list[int]:
        """Those of which something was read."""
        with self.changed:
            return list(self._ledgers)

    @property
    def is_abandoned(self) -> bool:
        """Whether the owner was silent for a lease, so that others had better read.

        It has not come for what is to come again, or for what it could have.
        """
        with self.changed:
            late = monotonic() - LATE
            if self._silent_since < late - self._lease and not self._held:
                return True
            return self._look_at < late and any(
                lease.ends < late for lease in self._held
            )

    # The side of the thread that owns the bus. `changed` is held for `take`.

    def hear(self, *, waits: bool = False) -> None:
        """Note a sign of life of the owner; or that it waits here, until the next."""
        self._silent_since = math.inf if waits else monotonic()

    def take(self, limit: int) -> list[Lease]:
        """Hand out what is there."""
        now = monotonic()
        if now >= self._look_at:
            self._reclaim(now)
        found: list[Lease] = []
        waiting, ready = self._waiting, self._ready
        while len(found) < limit and waiting and waiting[0][0] <= now:
            lease = heapq.heappop(waiting)[2]
            self._waiting_size -= len(lease.body) + FRAME
            if lease.valid:
                found.append(lease)
        while len(found) < limit and ready:
            lease = ready.popleft()
            self._size -= len(lease.body)
            found.append(lease)
        self._hand_out(found, now)
        return found

    def _hand_out(self, leases: Sequence[Lease], now: float) -> None:
        ends = now + self._lease
        for lease in leases:
            lease.ends = ends
            lease.ledger.hand_out(lease)
        self._held.update(leases)
        if leases:
            self._look_at = min(self._look_at, ends)

    def _reclaim(self, now: float) -> None:
        """Take back deliveries of which nobody said a word for a whole lease."""
        for lease in [lease for lease in self._held if lease.ends <= now]:
            self._held.discard(lease)
            self._wait(lease.renew(), 0.0)
        self._look_at = min((lease.ends for lease in self._held), default=math.inf)

    def _wait(self, lease: Lease, due: float) -> None:
        heapq.heappush(self._waiting, (due, next(self._numbers), lease))
        self._waiting_size += len(lease.body) + FRAME

    @property
    def next_due(self) -> float:
        """When something will be there though nothing is read."""
        first = self._waiting[0][0] if self._waiting else math.inf
        return min(first, self._look_at)

    def must_mark(self, leases: Iterable[Lease]) -> bool:
        """Whether to write down that these are handed out before they are.

        The first ones of a partition, and those that came back: if they kill this
        process, its successor has to know.
        """
        must = False
        for lease in leases:
            if lease.ledger.fresh or lease.receipts > 1:
                lease.ledger.fresh = False
                must = True
        return must

    def lost(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Return those that are no longer ours to settle."""
        held = self._held
        return [delivery for delivery in deliveries if delivery.token not in held]

    def finish(self, deliveries: Iterable[Delivery]) -> None:
        """Note that these are done; those that were lost meanwhile are others'."""
        with self.changed:
            for delivery in deliveries:
                lease = delivery.token
                if lease in self._held:
                    self._held.discard(lease)
                    lease.ledger.finish(lease)

    def give_back(self, deliveries: Iterable[Delivery], delay: float) -> None:
        """Let these come again after some seconds."""
        with self.changed:
            due = monotonic() + delay if delay > 0 else 0.0
            for delivery in deliveries:
                lease = delivery.token
                if lease in self._held:
                    self._held.discard(lease)
                    self._wait(lease.renew(), due)

    def extend(self, deliveries: Iterable[Delivery]) -> None:
        """Restart the leases of these."""
        ends = monotonic() + self._lease
        for delivery in deliveries:
            delivery.token.ends = ends

    def marks(self, without: Container[Lease]) -> dict[int, Mark]:
        """Return how far all is done, counting some leases as done too."""
        with self.changed:
            return {
                number: ledger.mark(without) for number, ledger in self._ledgers.items()
            }
