"""A bus that acknowledges on receipt: at most once, for those who ask for it."""

from collections.abc import Sequence

import attrs

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.message import Delivery


class EarlyBus(Bus):
    """What `--ack early` makes of a bus: what was received never comes again.

    Args:
        bus: The bus that carries the tasks.
    """

    def __init__(self, bus: Bus) -> None:
        lost = dict.fromkeys(("ack", "nack", "nack_delay", "lease", "attempts"), False)
        capabilities = attrs.evolve(bus.capabilities, atomic_settle=False, **lost)
        super().__init__(bus.name, capabilities)
        self._bus = bus

    def subscribe(self, topic: str, channel: str) -> Consumer:
        """Start to read a topic."""
        return EarlyConsumer(self, self._bus.subscribe(topic, channel))

    def producer(self) -> Producer:
        """Return a new producer."""
        return self._bus.producer()

    def topics(self) -> Sequence[str]:
        """Return the names of the topics."""
        return self._bus.topics()

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages wait."""
        return self._bus.depth(topic, channel)

    def peek(self, topic: str, limit: int) -> Sequence[bytes]:
        """Return what is on a topic, without taking it."""
        return self._bus.peek(topic, limit)

    def ping(self) -> None:
        """Ask the broker for a sign of life."""
        self._bus.ping()

    def close(self) -> None:
        """Close the bus."""
        self._bus.close()


class EarlyConsumer(Consumer):
    """Acknowledges what it hands out.

    Args:
        bus: The early bus.
        consumer: What reads.
    """

    def __init__(self, bus: Bus, consumer: Consumer) -> None:
        super().__init__(bus, consumer.topic, consumer.channel)
        self._consumer = consumer

    def receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Wait for messages, and acknowledge them."""
        deliveries = self._consumer.receive(limit, timeout)
        if deliveries:
            self._consumer.ack(deliveries)
        return deliveries

    @property
    def exhausted(self) -> bool:
        """Whether a bounded stream has delivered its last message."""
        return self._consumer.exhausted

    def drain(self) -> Sequence[Delivery]:
        """Hand over what was read ahead."""
        return self._consumer.drain()

    def wake(self) -> None:
        """Make a waiting `receive`, or the next one, return at once."""
        self._consumer.wake()

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()
