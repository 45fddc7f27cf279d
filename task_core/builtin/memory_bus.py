"""A complete bus in the memory of one process: the reference for all others."""

import threading
from collections.abc import Sequence
from time import monotonic

from task_core.api.bus import Bus, ChannelState
from task_core.api.capabilities import Capabilities
from task_core.api.consumer import Consumer
from task_core.api.message import Delivery, Message
from task_core.api.producer import Producer
from task_core.builtin.memory_topics import Channel, Topic
from task_core.errors import LeaseLostError


class Storage:
    """What all buses of one name share.

    Args:
        changed: Its lock is held around every look at the topics; it tells those who
            wait that there may be something.
        topics: By name.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
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
        self.changed.notify_all()


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
        super().__init__("memory", capabilities, lease=lease)
        self.storage = _STORAGES.setdefault(name, Storage())

    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        """Make the channel, which stays when the consumer is gone."""
        return MemoryConsumer(self, topic, channel, temporary=temporary)

    def _producer(self) -> Producer:
        return MemoryProducer(self)

    def _topics(self) -> Sequence[str]:
        with self.storage.changed:
            return sorted(self.storage.topics)

    def _depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included."""
        with self.storage.changed:
            found = self.storage.topics.get(topic)
            return found.depth(channel) if found else 0

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        with self.storage.changed:
            found = self.storage.topics.get(topic, Topic()).channels
            return [
                ChannelState(name, channel.depth(), channel.held())
                for name, channel in sorted(found.items())
            ]

    def _forget(self, topic: str, channel: str) -> None:
        with self.storage.changed:
            if not channel:
                self.storage.topics.pop(topic, None)
            elif (found := self.storage.topics.get(topic)) and found.forget(channel):
                del self.storage.topics[topic]


class MemoryConsumer(Consumer):
    """Reads one channel.

    Args:
        stored: The channel.
    """

    bus: MemoryBus
    knows_lost = True

    def __init__(
        self, bus: MemoryBus, topic: str, channel: str, *, temporary: bool = False
    ) -> None:
        super().__init__(bus, topic, channel)
        self._changed = bus.storage.changed
        with self._changed:
            found = bus.storage.topic(topic)
            self.stored: Channel = found.channel(channel, temporary=temporary)

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        deadline = monotonic() + timeout
        with self._changed:
            while True:
                now = monotonic()
                found = self.stored.take(limit, now, self.bus.lease, self)
                if found or self._woken or now >= deadline:
                    return found
                self._changed.wait(min(deadline, self.stored.next_change()) - now)

    def take_delayed(self) -> list[Message]:
        """Return what is delayed on the channel, for good: tests look at it."""
        with self._changed:
            return self.stored.take_delayed()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _close(self) -> None:
        with self._changed:
            self.stored.give_back(self.stored.owned_by(self), 0)
            self._changed.notify_all()

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        """Send and acknowledge at one instant.

        Raises:
            LeaseLostError: Others have some of these; nothing was done.
        """
        with self._changed:
            if lost := [d for d in deliveries if not self.stored.holds(d.token)]:
                raise LeaseLostError(
                    f"bus 'memory': the lease of {len(lost)} of {len(deliveries)}"
                    f" deliveries of topic '{self.topic}' is lost; nothing was settled",
                    lost,
                )
            self.stored.ack(_tokens(deliveries))
            self.bus.storage.put(messages)

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        self._settle(deliveries, ())

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        with self._changed:
            due = monotonic() + delay if delay else 0
            self.stored.give_back(_tokens(deliveries), due)
            self._changed.notify_all()

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        with self._changed:
            self.stored.extend(_tokens(deliveries), monotonic() + self.bus.lease)


class MemoryProducer(Producer):
    """Writes to topics."""

    bus: MemoryBus

    def _send(self, messages: Sequence[Message]) -> None:
        """Send all messages at one instant."""
        with self.bus.storage.changed:
            self.bus.storage.put(messages)


def _tokens(deliveries: Sequence[Delivery]) -> list[int]:
    return [delivery.token for delivery in deliveries]
