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

    What is sent before there is any channel waits for the first one.
    """

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self._backlog: list[tuple[Message, float]] = []
        self._numbers = itertools.count(1)

    def channel(self, name: str) -> Channel:
        """Return a channel; make it when there is none of this name."""
        if name not in self.channels:
            self.channels[name] = Channel()
            backlog, self._backlog = self._backlog, []
            self._spread(backlog)
        return self.channels[name]

    def put(self, messages: Sequence[Message], now: float) -> None:
        """Add messages and wake who waits."""
        dated = [(m, now + m.delay if m.delay else 0.0) for m in messages]
        if self.channels:
            self._spread(dated)
        else:
            self._backlog += dated

    def depth(self, name: str) -> int:
        """Return how many messages wait, or would wait, on a channel."""
        if name in self.channels:
            return self.channels[name].depth()
        return 0 if self.channels else len(self._backlog)

    def _spread(self, dated: Sequence[tuple[Message, float]]) -> None:
        numbers = [next(self._numbers) for _ in dated]
        for channel in self.channels.values():
            for number, (message, due) in zip(numbers, dated, strict=True):
                channel.put(Entry(number, message), due)
