"""What the bus `memory` keeps: topics, their channels, and what waits on each."""

import heapq
import itertools
import math
from collections.abc import Iterable, Sequence

from task_core.api.message import Delivery, Message


class Entry:
    """One message on one channel.

    Args:
        number: Its place in the order of sending.
        message: What was sent.
    """

    __slots__ = ("attempt", "message", "number", "returned")

    def __init__(self, number: int, message: Message) -> None:
        self.number = number
        self.message = message
        self.attempt = 0
        self.returned = 0

    def __lt__(self, other: "Entry") -> bool:
        return self.number < other.number


class Lease:
    """One entry in somebody's hands.

    Args:
        entry: Which.
        owner: Whose.
        ends: When it comes again.
    """

    __slots__ = ("ends", "entry", "owner")

    def __init__(self, entry: Entry, owner: object, ends: float) -> None:
        self.entry = entry
        self.owner = owner
        self.ends = ends


class Channel:
    """The messages of one channel: ready, delayed, or leased.

    Not safe for threads: the storage's lock is held around every call.
    """

    def __init__(self) -> None:
        self.ready: list[Entry] = []  # a heap: what comes back takes its old place
        self._delayed: list[tuple[float, Entry]] = []
        self._leases: dict[int, Lease] = {}
        self._ends: list[tuple[float, int]] = []  # a heap; may name old ends
        self._tokens = itertools.count(1)

    def put(self, entry: Entry, due: float) -> None:
        """Add a message, to arrive at once (`due` 0) or later."""
        if due:
            heapq.heappush(self._delayed, (due, entry))
        else:
            heapq.heappush(self.ready, entry)

    def take(
        self, limit: int, now: float, lease: float, owner: object
    ) -> list[Delivery]:
        """Lease up to `limit` messages for `lease` seconds."""
        self._refill(now)
        count = min(limit, len(self.ready))
        return [
            self._lease(heapq.heappop(self.ready), now + lease, owner)
            for _ in range(count)
        ]

    def holds(self, token: int) -> bool:
        """Whether this lease was neither settled nor given to somebody else."""
        return token in self._leases

    def ack(self, tokens: Iterable[int]) -> None:
        """Forget messages; the caller has seen that it `holds` them."""
        for token in tokens:
            del self._leases[token]

    def take_delayed(self) -> list[Message]:
        """Remove what is delayed, and return it in the order of sending."""
        entries = sorted(entry for _, entry in self._delayed)
        self._delayed.clear()
        return [entry.message for entry in entries]

    def give_back(self, tokens: Iterable[int], due: float) -> None:
        """Make messages available again, at once (`due` 0) or later."""
        for token in tokens:
            if lease := self._leases.pop(token, None):
                lease.entry.returned += 1
                self.put(lease.entry, due)

    def extend(self, tokens: Iterable[int], ends: float) -> None:
        """Move the end of leases."""
        for token in tokens:
            if lease := self._leases.get(token):
                lease.ends = ends
                heapq.heappush(self._ends, (ends, token))

    def owned_by(self, owner: object) -> list[int]:
        """Return the tokens that one consumer holds."""
        return [token for token, item in self._leases.items() if item.owner is owner]

    def next_change(self) -> float:
        """Return when a delay or a lease ends next."""
        delayed = self._delayed[0][0] if self._delayed else math.inf
        return min(delayed, self._ends[0][0] if self._ends else math.inf)

    def depth(self) -> int:
        """Return how many messages are not in anybody's hands."""
        return len(self.ready) + len(self._delayed)

    def held(self) -> int:
        """Return how many messages are in somebody's hands."""
        return len(self._leases)

    def _lease(self, entry: Entry, ends: float, owner: object) -> Delivery:
        token = next(self._tokens)
        entry.attempt += 1
        self._leases[token] = Lease(entry, owner, ends)
        heapq.heappush(self._ends, (ends, token))
        message = entry.message
        return Delivery(
            message.body,
            token,
            entry.attempt,
            message.headers,
            entry.returned,
            position=entry.number,
        )

    def _refill(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            heapq.heappush(self.ready, heapq.heappop(self._delayed)[1])
        while self._ends and self._ends[0][0] <= now:
            _, token = heapq.heappop(self._ends)
            lease = self._leases.get(token)
            if lease is not None and lease.ends <= now:
                del self._leases[token]
                heapq.heappush(self.ready, lease.entry)


class Topic:
    """A stream: every channel gets each message sent after it was made.

    What is sent before there is any channel that stays waits for the first one.
    """

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self._looking: dict[str, int] = {}  # temporary ones: the last that they missed
        self._backlog: list[tuple[int, Message, float]] = []
        self._last = 0

    def channel(self, name: str, *, temporary: bool = False) -> Channel:
        """Return a channel; make it when there is none of this name.

        One that is there stays if anybody wants it to.
        """
        if new := name not in self.channels:
            self.channels[name] = Channel()
            self._looking[name] = self._last
        if not temporary and name in self._looking:
            missed = self._looking.pop(name)
            for number, message, due in self._backlog:
                if new or number <= missed:
                    self.channels[name].put(Entry(number, message), due)
            self._backlog = []
        return self.channels[name]

    def forget(self, name: str) -> bool:
        """Delete a channel; say whether nothing is left of who only looked."""
        self.channels.pop(name, None)
        looked = self._looking.pop(name, None) is not None
        return looked and not self.channels and not self._backlog

    def put(self, messages: Sequence[Message], now: float) -> None:
        """Add messages and wake who waits."""
        first = self._last + 1
        self._last += len(messages)
        dated = [
            (number, message, now + message.delay if message.delay else 0.0)
            for number, message in enumerate(messages, first)
        ]
        if not self._has_reader:
            self._backlog += dated
        for channel in self.channels.values():
            for number, message, due in dated:
                channel.put(Entry(number, message), due)

    def depth(self, name: str) -> int:
        """Return how many messages wait, or would wait, on a channel."""
        if name in self.channels:
            return self.channels[name].depth()
        return 0 if self._has_reader else len(self._backlog)

    def waiting(self) -> list[bytes]:
        """Return the bodies that wait for a first channel."""
        return [message.body for _, message, _ in self._backlog]

    @property
    def _has_reader(self) -> bool:
        """Whether there is a channel that stays."""
        return any(name not in self._looking for name in self.channels)
