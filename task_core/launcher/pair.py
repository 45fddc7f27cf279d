"""Two buses as one: one is read, the other is written."""

from collections.abc import Sequence

import attrs

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.message import Delivery, Message
from task_core.errors import BusError


class BusPair(Bus):
    """What `--in-bus` and `--out-bus` make.

    Settling sends to one and then acknowledges on the other, so it is never atomic.

    Args:
        source: The bus that is read.
        target: The bus that is written.
        names: Theirs.
    """

    def __init__(self, source: Bus, target: Bus) -> None:
        super().__init__(
            f"{source.name} -> {target.name}",
            attrs.evolve(
                target.capabilities,
                atomic_settle=False,
                delay=False,  # a retry sent to the target would never be read again
                **{name: getattr(source.capabilities, name) for name in _OF_THE_SOURCE},
            ),
        )
        self.names = source.name, target.name
        self._source = source
        self._target = target
        self._sent: dict[int, Message] = {}  # by a settle that then failed

    def subscribe(self, topic: str, channel: str) -> Consumer:
        """Start to read a topic of the source."""
        return self._source.subscribe(topic, channel)

    def producer(self) -> Producer:
        """Return a new producer of the target."""
        return self._target.producer()

    def settle(
        self,
        consumer: Consumer,
        deliveries: Sequence[Delivery],
        messages: Sequence[Message],
    ) -> None:
        """Send to the target, then acknowledge in the source.

        The source may be away for long, and the target be there. So when a settle is
        repeated, the messages that it has sent before are left out.

        Raises:
            LeaseLostError: Others have some of the deliveries; messages were sent.
            BusError: As for every bus.
        """
        if deliveries:
            consumer.check_open()
        if self._sent:
            messages = [one for one in messages if id(one) not in self._sent]
        super().settle(consumer, (), messages)
        try:
            super().settle(consumer, deliveries, ())
        except BusError:
            self._sent.update((id(one), one) for one in messages)
            raise
        self._sent.clear()

    def topics(self) -> Sequence[str]:
        """Return the topics of the source."""
        return self._source.topics()

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages wait in the source."""
        return self._source.depth(topic, channel)

    def peek(self, topic: str, limit: int) -> Sequence[bytes]:
        """Return what is on a topic, without taking it."""
        return self._source.peek(topic, limit)

    def ping(self) -> None:
        """Ask both."""
        self._source.ping()
        self._target.ping()

    def close(self) -> None:
        """Close the source first, so that nothing more arrives."""
        try:
            self._source.close()
        finally:
            self._target.close()


def names_of(bus: Bus) -> tuple[str, str]:
    """Return the names of the bus that is read and of the one that is written."""
    if isinstance(bus, BusPair):
        return bus.names
    return bus.name, bus.name


_OF_THE_SOURCE = (
    "ack",
    "nack",
    "nack_delay",
    "lease",
    "ordered",
    "channels",
    "bounded",
    "attempts",
    "depth",
    "topics",
    "peek",
)
