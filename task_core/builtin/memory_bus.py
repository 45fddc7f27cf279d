"""A complete bus in the memory of one process: the reference for all others."""

import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from time import monotonic

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery, Message
from task_core.api.refusals import check_messages
from task_core.builtin.memory_topics import Bell, Channel, Topic
from task_core.errors import LeaseLostError


class Storage:
    """What all buses of one name share.

    Args:
        lock: Held around every look at the topics.
        topics: By name.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.topics: dict[str, Topic] = {}

    def topic(self, name: str) -> Topic:
        """Return a topic; make it when there is none of this name."""
        if name not in self.topics:
            self.topics[name] = Topic()
        return self.topics[name]

    def put(self, messages: Sequence[Message]) -> None:
        """Add messages to their topics; the lock is held."""
        now = monotonic()
        by_topic: dict[str, list[Message]] = {}
        for message in messages:
            by_topic.setdefault(message.topic, []).append(message)
        for name, group in by_topic.items():
            self.topic(name).put(group, now)


# the one place that must outlive a bus: it stands in for the broker
_STORAGES: dict[str, Storage] = {}


class MemoryBus(Bus):
    """Carries messages between threads. Any number of buses may share a name.

    Args:
        name: Which storage.
        capabilities: Those of the manifest.
        lease: Seconds until an unsettled delivery comes again.
    """

    def __init__(self, name: str, capabilities: Capabilities, lease: float) -> None:
        super().__init__("memory", capabilities)
        self.lease = lease
        self._storage = _STORAGES.setdefault(name, Storage())
        self._open: list[MemoryConsumer | MemoryProducer] = []

    def subscribe(self, topic: str, channel: str) -> "MemoryConsumer":
        """Start to read a topic; its channel stays when the consumer is gone."""
        self.check_open()
        consumer = MemoryConsumer(self, topic, channel, self._storage)
        self._open.append(consumer)
        return consumer

    def producer(self) -> "MemoryProducer":
        """Return a new producer."""
        self.check_open()
        producer = MemoryProducer(self, self._storage)
        self._open.append(producer)
        return producer

    def settle(
        self,
        consumer: Consumer,
        deliveries: Sequence[Delivery],
        messages: Sequence[Message],
    ) -> None:
        """Send and acknowledge at one instant."""
        self.check_open()
        check_messages(self, messages)
        assert isinstance(consumer, MemoryConsumer)
        with self._storage.lock:
            consumer.settle(deliveries)
            self._storage.put(messages)

    def topics(self) -> Sequence[str]:
        """Return the names of the topics, sorted."""
        self.check_open()
        with self._storage.lock:
            return sorted(self._storage.topics)

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included."""
        self.check_open()
        with self._storage.lock:
            found = self._storage.topics.get(topic)
            return found.depth(channel) if found else 0

    def close(self) -> None:
        """Give back what is unsettled; what was sent stays in the process."""
        self.closed = True
        while self._open:
            self._open.pop().close()


class MemoryConsumer(Consumer):
    """Reads one channel.

    Args:
        bus, topic, channel: As for every consumer.
        storage: Where the channel is.
        stored: The channel itself.
    """

    bus: MemoryBus

    def __init__(
        self, bus: MemoryBus, topic: str, channel: str, storage: Storage
    ) -> None:
        super().__init__(bus, topic, channel)
        self._lock = storage.lock
        self._bell: Bell = SimpleQueue()
        with self._lock:
            self.stored: Channel = storage.topic(topic).channel(channel)

    def receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Wait for messages; see `Consumer.receive`."""
        self.check_open()
        deadline = monotonic() + timeout
        while True:
            now = monotonic()
            with self._lock:
                if found := self.stored.take(limit, now, self.bus.lease, self):
                    return found
                self.stored.await_ring(self._bell)
                change = self.stored.next_change()
            if self._sleep(min(deadline, change) - now) or monotonic() >= deadline:
                return ()

    def wake(self) -> None:
        """Make a waiting `receive`, or the next one, return at once."""
        self._bell.put(True)

    def close(self) -> None:
        """Give back what is unsettled; may be repeated."""
        if not self.closed:
            self.closed = True
            with self._lock:
                self.stored.give_back(self.stored.owned_by(self), 0)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Forget these, or, when a lease was lost, none."""
        with self._lock:
            self.settle(deliveries)

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Forget these; the storage's lock is held.

        Raises:
            LeaseLostError: Others have some of these; nothing was done.
        """
        self.check_open()
        if lost := [d for d in deliveries if not self.stored.holds(d.token)]:
            raise LeaseLostError(
                f"bus 'memory': the lease of {len(lost)} of {len(deliveries)}"
                f" deliveries of topic '{self.topic}' is lost; nothing was settled",
                lost,
            )
        self.stored.ack(_tokens(deliveries))

    def nack(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:
        """Give these back."""
        self.check_open()
        with self._lock:
            due = monotonic() + delay if delay else 0
            self.stored.give_back(_tokens(deliveries), due)

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the lease of these."""
        self.check_open()
        with self._lock:
            self.stored.extend(_tokens(deliveries), monotonic() + self.bus.lease)

    def _sleep(self, seconds: float) -> bool:
        """Wait for the bell; return whether `wake` rang it."""
        try:
            return self._bell.get(timeout=max(0.0, seconds))
        except Empty:
            return False
        finally:
            with self._lock:
                self.stored.forget(self._bell)


class MemoryProducer(Producer):
    """Writes to topics.

    Args:
        bus: The bus that made it.
        storage: Where the topics are.
    """

    def __init__(self, bus: MemoryBus, storage: Storage) -> None:
        super().__init__(bus)
        self._storage = storage

    def send(self, messages: Sequence[Message]) -> None:
        """Send all messages at one instant."""
        self.check_open()
        check_messages(self.bus, messages)
        with self._storage.lock:
            self._storage.put(messages)

    def close(self) -> None:
        """Stop writing; may be repeated."""
        self.closed = True


def _tokens(deliveries: Sequence[Delivery]) -> list[int]:
    return [delivery.token for delivery in deliveries]
