"""What a consumer has of its messages: read, waiting, handed out.

Shared by the thread that owns the bus, which takes and settles, and the poller, which
reads, writes down progress and gives up partitions. `changed` guards everything.
"""

import math
import threading
from collections import deque
from collections.abc import (
    Callable,
    Collection,
    Container,
    Iterable,
    Mapping,
    Sequence,
)
from itertools import islice
from time import monotonic

from task_bus_kafka.delayed import Delayed
from task_bus_kafka.headers import unpack
from task_bus_kafka.hold import Hold
from task_bus_kafka.partition import OpenMessage, Partition
from task_bus_kafka.progress import Progress
from task_bus_kafka.records import Record
from task_core.api import Delivery

LOW = 500
"""Read more when fewer messages are ready than this."""
LATE = 0.1
"""Seconds that `receive` may be late after the end of a lease."""
ROOM = 16 * 1024 * 1024
"""Bytes of ready messages beyond which no more are read."""
HOLD = 256 * 1024 * 1024
"""Bytes of messages that wait for their time beyond which no more are read."""


class Buffer:
    """Keeps the messages of the partitions that are ours.

    Args:
        lease: Seconds that a delivery may stay out without a word.
        caution: See `Partition`.
    """

    def __init__(self, lease: float, caution: float = 0.0) -> None:
        self.changed = threading.Condition()
        self.is_cautious = False  # whether the last step had to be written down
        self.hold = Hold(lease)
        self._lease = lease
        self._caution = caution
        self._partitions: dict[int, Partition] = {}
        self._ready: deque[OpenMessage] = deque()
        self._size = 0  # bytes in there
        self._delayed = Delayed()
        self._held: set[OpenMessage] = set()
        self._look_at = math.inf  # when the first lease may be over
        self._sent: dict[int, Progress] = {}  # what was written down last
        self._silent_since = math.inf  # when the owner said the last word

    # The poller's side.

    @property
    def low(self) -> bool:
        """Whether more should be read."""
        return (
            len(self._ready) < LOW and self._size < ROOM and self._delayed.size < HOLD
        )

    def add(
        self, records: Sequence[Record], committed: Callable[[int], Progress | None]
    ) -> None:
        """Take in what was read.

        Args:
            records: In the order of their offsets.
            committed: Tells how far a new partition is done; it may ask a broker, so
                nobody waits for it here.
        """
        self._begin({record.partition for record in records}, committed)
        with self.changed:
            for record in records:
                self._add(record)
            self.changed.notify_all()

    def advance(
        self,
        positions: Mapping[int, int],
        committed: Callable[[int], Progress | None],
    ) -> None:
        """Note how far was read; what lies before and was not added is no message.

        Transactions leave such marks, and deleted messages such gaps.
        """
        self._begin(positions.keys(), committed)
        with self.changed:
            for number, position in positions.items():
                if partition := self._partitions.get(number):
                    partition.advance(position)

    def _begin(
        self,
        partitions: Collection[int],
        committed: Callable[[int], Progress | None],
    ) -> None:
        new = set(partitions).difference(self.partitions)
        found = {it: Partition(committed(it), self._caution, it) for it in new}
        with self.changed:
            self._partitions.update(found)

    def _add(self, record: Record) -> None:
        partition = self._partition_of(record)
        headers, wait = None, 0.0
        if record.headers:
            headers, wait = unpack(record.headers)
        message = partition.add(record.offset, record.body, headers)
        if message is None:
            return
        if wait > 0:
            self._delayed.add(message, monotonic() + wait)
        else:
            self._ready.append(message)
            self._size += len(message.body)

    def _partition_of(self, record: Record) -> Partition:
        number = record.partition
        if self._partitions[number].is_behind(record.offset):
            self.release([number])  # the topic was deleted and made anew
            before = Progress(record.offset, record.offset)
            self._partitions[number] = Partition(before, self._caution, number)
        return self._partitions[number]

    def changes(self, *, leaving: bool = False) -> dict[int, Progress]:
        """Return the progress that was not written down yet, as if it now were.

        Args:
            leaving: Whether we close, and give back what is out.
        """
        with self.changed:
            found = {
                number: progress
                for number, partition in self._partitions.items()
                if self._sent.get(number)
                != (progress := partition.progress(leaving=leaving))
            }
            self._sent.update(found)
            return found

    def forget_sent(self) -> None:
        """Note that writing progress down has failed."""
        with self.changed:
            self._sent.clear()

    def release(self, partitions: Collection[int]) -> dict[int, Progress]:
        """Give up partitions; return the progress to be written down."""
        with self.changed:
            found = {}
            for number in partitions:
                self._sent.pop(number, None)
                if partition := self._partitions.pop(number, None):
                    found[number] = partition.progress(leaving=True)
                    partition.drop()
            self._held = {message for message in self._held if message.valid}
            self._sweep_ready()
            self.changed.notify_all()
            return found

    def _sweep_ready(self) -> None:
        self._ready = deque(message for message in self._ready if message.valid)
        self._size = sum(len(message.body) for message in self._ready)
        self._delayed.sweep()

    @property
    def partitions(self) -> list[int]:
        """Those of which something was read."""
        with self.changed:
            return list(self._partitions)

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
                message.ends < late for message in self._held
            )

    # The side of the thread that owns the bus. `changed` is held for `take`.

    def hear(self, *, waits: bool = False) -> None:
        """Note a sign of life of the owner; or that it waits here, until the next."""
        self._silent_since = math.inf if waits else monotonic()

    def take(self, limit: int) -> list[OpenMessage]:
        """Hand out what is there."""
        now = monotonic()
        if self.hold.lasts(now):
            return []
        if now >= self._look_at:
            self._reclaim(now)
        ready = self._ready
        found = list(islice(self._delayed.take(now), limit))
        while len(found) < limit and ready:
            message = ready.popleft()
            self._size -= len(message.body)
            found.append(message)
        self._hand_out(found, now)
        return found

    def _hand_out(self, messages: Sequence[OpenMessage], now: float) -> None:
        ends = now + self._lease
        for message in messages:
            message.ends = ends
            message.partition.hand_out(message)
        self._held.update(messages)
        if messages:
            self._look_at = min(self._look_at, ends)

    def _reclaim(self, now: float) -> None:
        """Take back deliveries of which nobody said a word for a whole lease."""
        for message in [message for message in self._held if message.ends <= now]:
            self._held.discard(message)
            self._delayed.add(message.renew(returned=False), 0.0)
        self._look_at = min((message.ends for message in self._held), default=math.inf)

    @property
    def next_due(self) -> float:
        """When something will be there though nothing is read."""
        if self.hold.lasts(monotonic()):
            return self.hold.ends
        due = -math.inf if self._ready else self._delayed.next_due
        return min(due, self._look_at)

    def must_commit(self, messages: Iterable[OpenMessage]) -> bool:
        """Whether to write down that these are handed out before they are.

        The first ones of a partition, those that came back, and all while something
        kills, or when no clock writes progress down: if they kill this process, its
        successor has to know.
        """
        must = cautious = False
        for message in messages:
            partition = message.partition
            if partition.suspect and partition.is_suspect():
                must = cautious = True
            elif partition.fresh or message.receipts > 1 or not self._caution:
                must = True
            partition.fresh = False
        self.is_cautious = cautious
        return must

    def lost(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Return those that are no longer ours to settle."""
        held = self._held
        return [delivery for delivery in deliveries if delivery.token not in held]

    def finish(self, deliveries: Iterable[Delivery]) -> bool:
        """Note that these are done; those that were lost meanwhile are others'.

        Returns: Whether this had better be written down now; see `Partition`.
        """
        cautious = False
        with self.changed:
            for delivery in deliveries:
                message = delivery.token
                if message in self._held:
                    self._held.discard(message)
                    message.partition.finish(message)
                    cautious = cautious or message.partition.suspect
        return cautious

    def give_back(self, deliveries: Iterable[Delivery], delay: float) -> None:
        """Let these come again after some seconds."""
        with self.changed:
            due = monotonic() + delay if delay > 0 else 0.0
            for delivery in deliveries:
                message = delivery.token
                if message in self._held:
                    self._held.discard(message)
                    self._delayed.add(message.renew(returned=True), due)

    def extend(self, deliveries: Iterable[Delivery]) -> None:
        """Restart the leases of these."""
        ends = monotonic() + self._lease
        for delivery in deliveries:
            delivery.token.ends = ends

    def progress(self, without: Container[OpenMessage]) -> dict[int, Progress]:
        """Return how far all is done, counting some messages as done too."""
        with self.changed:
            return {
                number: partition.progress(without)
                for number, partition in self._partitions.items()
            }
