"""A channel: what waits, what is in flight, and what is put off."""

import heapq
import struct
from collections import OrderedDict
from collections.abc import Iterable
from itertools import count
from typing import Protocol

from brokers.nsqd_stand_in.wire import MESSAGE, is_ephemeral

_HEAD = struct.Struct(">iiQH")
_FIXED = 4 + 8 + 2 + 16
_order = count()


class NotInFlightError(Exception):
    """The message is not in flight, or not at this client."""


class Consumer(Protocol):
    """What a channel knows of a client."""

    msg_timeout: float
    """Seconds that it has for a message."""
    in_flight: int

    @property
    def room(self) -> int:
        """How many more messages may be in flight there."""

    def deliver(self, message: "Message") -> None:
        """Send a message, which is then in flight there."""

    def flush_or_wait(self, now: float) -> None:
        """Send what is to be sent, or wait for more."""

    def beat(self, now: float) -> None:
        """Send a heartbeat if it is time."""

    def close(self) -> None:
        """Close the connection."""


class Message:
    """A body with its id, and how often one channel has handed it out.

    Args:
        id: sixteen hexadecimal digits, in ASCII.
        timestamp: when it was published: nanoseconds of Unix time.
        body: what was published.
        attempts: how often it was handed out so far.
    """

    __slots__ = ("attempts", "body", "delivered", "due", "id", "owner", "timestamp")

    def __init__(
        self, id: bytes, timestamp: int, body: bytes, attempts: int = 0
    ) -> None:
        self.id = id
        self.timestamp = timestamp
        self.body = body
        self.attempts = attempts
        self.owner: Consumer | None = None
        self.delivered = self.due = 0.0

    def copy(self) -> "Message":
        """Return the same for another channel."""
        return Message(self.id, self.timestamp, self.body, self.attempts)

    def frame(self) -> bytes:
        """Return it as it goes out."""
        size = _FIXED + len(self.body)
        head = _HEAD.pack(size, MESSAGE, self.timestamp, self.attempts)
        return head + self.id + self.body


class Channel:
    """Hands every message of its topic to one of its clients.

    Args:
        topic: name of the topic.
        name: of the channel.
        memory: messages that an ephemeral one keeps for clients that are not ready.
    """

    def __init__(self, topic: str, name: str, memory: int) -> None:
        self.topic, self.name, self._memory = topic, name, memory
        self.ephemeral = is_ephemeral(name)
        self.durable = not (self.ephemeral or is_ephemeral(topic))
        self.queue: OrderedDict[bytes, Message] = OrderedDict()
        self.in_flight: dict[bytes, Message] = {}
        self.deferred: list[tuple[float, int, Message]] = []
        self.clients: list[Consumer] = []
        self.message_count = self.requeue_count = self.timeout_count = 0
        self.finished: list[bytes] = []
        """Ids that the journal does not know of yet."""

    def put(self, messages: Iterable[Message], due: float = 0.0) -> None:
        """Take messages in, at the end; with a time, not before it."""
        for message in messages:
            self.message_count += 1
            self._enqueue(message, due)

    def _enqueue(self, message: Message, due: float = 0.0) -> None:
        message.owner = None
        if due:
            heapq.heappush(self.deferred, (due, next(_order), message))
            return
        self.queue[message.id] = message
        if self.ephemeral:  # it has no disk for what has no place in memory
            ready = sum(client.room for client in self.clients)
            while len(self.queue) > self._memory + ready:
                self.queue.popitem()

    def pump(self, now: float) -> None:
        """Hand out what waits, in turn to every client that has room."""
        ready = [client for client in self.clients if client.room > 0]
        while self.queue and ready:
            for client in ready:
                if self.queue:
                    self._deliver(client, self.queue.popitem(last=False)[1], now)
            ready = [client for client in ready if client.room > 0]
        if self.clients:
            self.clients.append(self.clients.pop(0))

    def _deliver(self, client: Consumer, message: Message, now: float) -> None:
        message.attempts += 1
        message.owner = client
        message.delivered = now
        message.due = now + client.msg_timeout
        self.in_flight[message.id] = message
        client.in_flight += 1
        client.deliver(message)

    def _mine(self, client: Consumer, id: bytes) -> Message:
        message = self.in_flight.get(id)
        if message is None:
            raise NotInFlightError("ID not in flight")
        if message.owner is not client:
            raise NotInFlightError("client does not own message")
        return message

    def finish(self, client: Consumer, id: bytes) -> None:
        """Be done with a message."""
        self._mine(client, id)
        del self.in_flight[id]
        client.in_flight -= 1
        self.finished.append(id)

    def requeue(self, client: Consumer, id: bytes, due: float) -> Message:
        """Take a message back, for at once (0) or for a time, and return it."""
        message = self._mine(client, id)
        del self.in_flight[id]
        client.in_flight -= 1
        self.requeue_count += 1
        self._enqueue(message, due)
        return message

    def touch(self, client: Consumer, id: bytes, now: float, longest: float) -> None:
        """Give a client more time for a message, so long in all."""
        message = self._mine(client, id)
        message.due = min(now + client.msg_timeout, message.delivered + longest)

    def expire(self, now: float) -> list[Message]:
        """Let in what was put off; take back and return what is late."""
        while self.deferred and self.deferred[0][0] <= now:
            self._enqueue(heapq.heappop(self.deferred)[2])
        late = [it for it in self.in_flight.values() if it.due <= now]
        for message in late:
            del self.in_flight[message.id]
            self.timeout_count += 1
            if message.owner in self.clients:
                message.owner.in_flight -= 1
            self._enqueue(message)
        return late

    def held(self) -> list[Message]:
        """Return every message that is not finished."""
        put_off = [message for _, _, message in sorted(self.deferred)]
        return [*self.in_flight.values(), *self.queue.values(), *put_off]

    def close(self) -> None:
        """Close the connections of all clients."""
        clients, self.clients = self.clients, []
        for client in clients:
            client.close()
