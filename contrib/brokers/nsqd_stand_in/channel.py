"""A channel: what waits, what is in flight, and what is put off."""

import heapq
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING

from brokers.nsqd_stand_in.message import Message
from brokers.nsqd_stand_in.names import is_ephemeral

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.client import Client
    from brokers.nsqd_stand_in.topic import Topic

_order = count()


class NotInFlightError(Exception):
    """The message is not in flight, or not at this client."""


class Channel:
    """Hands every message of its topic to one of its clients.

    Args:
        topic: whose messages these are.
        name: of the channel.
    """

    def __init__(self, topic: "Topic", name: str) -> None:
        self.topic = topic
        self.name = name
        self.ephemeral = is_ephemeral(name)
        self.durable = not (self.ephemeral or topic.ephemeral)
        self.paused = False
        self.queue: deque[Message] = deque()
        self.in_flight: dict[bytes, Message] = {}
        self.deferred: list[tuple[float, int, Message]] = []
        self.clients: list[Client] = []
        self.message_count = self.requeue_count = self.timeout_count = 0
        self.finished: list[bytes] = []
        """Ids that the journal does not know of yet."""

    def put(self, messages: Sequence[Message], due: float | None = None) -> None:
        """Take messages in, at the end; with a time, not before it."""
        self.message_count += len(messages)
        if due is None:
            self._enqueue(messages)
        else:
            for message in messages:
                heapq.heappush(self.deferred, (due, next(_order), message))
        self.topic.broker.dirty.add(self)

    def _enqueue(self, messages: Sequence[Message]) -> None:
        self.queue.extend(messages)
        if self.ephemeral:
            self._overflow()

    def _overflow(self) -> None:
        """Drop what has no place in memory: an ephemeral channel has no disk."""
        ready = 0 if self.paused else sum(client.room for client in self.clients)
        place = self.topic.broker.options.mem_queue_size + ready
        while len(self.queue) > place:
            self.queue.pop()

    def pump(self, now: float) -> None:
        """Hand out what waits, in turn to every client that has room."""
        if self.paused or not self.queue or not self.clients:
            return
        ready = [client for client in self.clients if client.room > 0]
        while self.queue and ready:
            for client in ready:
                if self.queue:
                    self._deliver(client, self.queue.popleft(), now)
            ready = [client for client in ready if client.room > 0]
        self.clients.append(self.clients.pop(0))

    def _deliver(self, client: "Client", message: Message, now: float) -> None:
        if client.samples_out():
            return
        message.attempts += 1
        message.owner = client
        message.delivered = now
        message.due = now + client.msg_timeout
        self.in_flight[message.id] = message
        client.deliver(message)

    def _take(self, client: "Client", id: bytes) -> Message:
        message = self.in_flight.get(id)
        if message is None:
            raise NotInFlightError("ID not in flight")
        if message.owner is not client:
            raise NotInFlightError("client does not own message")
        del self.in_flight[id]
        return message

    def finish(self, client: "Client", id: bytes) -> None:
        """Be done with a message."""
        self._take(client, id)
        if self.durable:
            self.finished.append(id)
        self.topic.broker.dirty.add(self)

    def requeue(self, client: "Client", id: bytes, delay: float, now: float) -> None:
        """Take a message back, for at once or for later."""
        message = self._take(client, id)
        self.requeue_count += 1
        self._again(message, now + delay if delay else None)

    def _again(self, message: Message, due: float | None) -> None:
        message.owner = None
        if due is None:
            self._enqueue((message,))
        else:
            heapq.heappush(self.deferred, (due, next(_order), message))
        if self.durable:
            self.topic.broker.journal.requeued(self.topic.name, self.name, message)
        self.topic.broker.dirty.add(self)

    def touch(self, client: "Client", id: bytes, now: float) -> None:
        """Give a client more time for a message, within the longest time."""
        message = self._take(client, id)
        longest = message.delivered + self.topic.broker.options.max_msg_timeout
        message.due = min(now + client.msg_timeout, longest)
        self.in_flight[id] = message

    def expire(self, now: float) -> None:
        """Take back what was in flight for too long; let in what was put off."""
        late = [it for it in self.in_flight.values() if it.due <= now]
        for message in late:
            del self.in_flight[message.id]
            self.timeout_count += 1
            if message.owner in self.clients:
                message.owner.in_flight -= 1
            self._again(message, None)
        while self.deferred and self.deferred[0][0] <= now:
            self._enqueue((heapq.heappop(self.deferred)[2],))
            self.topic.broker.dirty.add(self)

    def held(self) -> list[Message]:
        """Return every message that is not finished."""
        put_off = [message for _, _, message in sorted(self.deferred)]
        return [*self.in_flight.values(), *self.queue, *put_off]

    def add(self, client: "Client") -> None:
        """Let a client in."""
        self.clients.append(client)

    def remove(self, client: "Client") -> None:
        """Let a client go: what it has in flight comes back in time."""
        if client in self.clients:
            self.clients.remove(client)
            if not self.clients and self.ephemeral:
                self.topic.delete_channel(self.name)

    def empty(self) -> None:
        """Drop every message."""
        self.queue.clear()
        self.in_flight.clear()
        self.deferred.clear()
        self.finished.clear()
        for client in self.clients:
            client.in_flight = 0

    def close(self) -> None:
        """Drop every message, and close the connections of all clients."""
        clients, self.clients = self.clients, []
        for client in clients:
            client.close()
        self.empty()
