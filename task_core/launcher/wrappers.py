"""Buses around buses: acknowledged on receipt, or read here and written there."""

from collections.abc import Sequence
from typing import Any

import attrs

from task_core.api.bus import Bus, ChannelState
from task_core.api.capabilities import Capabilities
from task_core.api.consumer import Consumer
from task_core.api.message import Delivery, Message
from task_core.api.producer import Producer
from task_core.errors import BusError, PayloadError, SendError


class Wrapper(Bus):
    """Forwards every call to another bus; a test keeps it complete.

    Args:
        bus: The other bus.
        capabilities: What is left of its own.
    """

    expires_channels = True  # the other bus sees to it

    def __init__(self, bus: Bus, capabilities: Capabilities) -> None:
        super().__init__(bus.name, capabilities, lease=bus.lease)
        self._bus = bus

    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        consumer = self._bus.subscribe(
            topic, channel, prefetch=prefetch, temporary=temporary
        )
        return self._wrap(consumer)

    def _wrap(self, consumer: Consumer) -> Consumer:
        return WrappedConsumer(self, consumer)

    def _producer(self) -> Producer:
        return WrappedProducer(self, self._bus.producer())

    def _topics(self) -> Sequence[str]:
        return self._bus.topics()

    def _depth(self, topic: str, channel: str) -> int:
        return self._bus.depth(topic, channel)

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        return self._bus.channels(topic)

    def _peek(self, topic: str, limit: int) -> Sequence[bytes]:
        return self._bus.peek(topic, limit)

    def _forget(self, topic: str, channel: str) -> None:
        self._bus.forget(topic, channel)

    def _ping(self) -> None:
        self._bus.ping()

    def _close(self) -> None:
        self._bus.close()


class WrappedConsumer(Consumer):
    """Forwards every call to a consumer of another bus.

    Args:
        bus: The wrapper.
        consumer: The other bus's.
        innermost: The one that is no wrapper.
    """

    knows_lost = True  # the other one does

    def __init__(self, bus: Bus, consumer: Consumer) -> None:
        super().__init__(bus, consumer.topic, consumer.channel)
        self._consumer = consumer
        self.innermost: Consumer = consumer
        if isinstance(consumer, WrappedConsumer):
            self.innermost = consumer.innermost

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        return self._consumer.receive(limit, timeout)

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        self._consumer.settle(deliveries, messages)

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        self._consumer.ack(deliveries)

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        self._consumer.nack(deliveries, delay)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        self._consumer.extend(deliveries)

    def _drain(self) -> Sequence[Delivery]:
        return self._consumer.drain()

    def _exhausted(self) -> bool:
        return self._consumer.exhausted

    def _wake(self) -> None:
        self._consumer.wake()

    def _close(self) -> None:
        self._consumer.close()


class WrappedProducer(Producer):
    """Forwards every call to a producer of another bus.

    Args:
        bus: The wrapper.
        producer: The other bus's.
    """

    def __init__(self, bus: Bus, producer: Producer) -> None:
        super().__init__(bus)
        self._producer = producer

    def _send(self, messages: Sequence[Message]) -> None:
        self._producer.send(messages)

    def _send_within(self, messages: Sequence[Message], connection: Any) -> None:
        self._producer.send_within(messages, connection)

    def _prepare(self, topics: Sequence[str]) -> None:
        self._producer.prepare(topics)

    def _close(self) -> None:
        self._producer.close()


class EarlyBus(Wrapper):
    """What `--ack early` makes of a bus: what was received hardly ever comes again.

    An acknowledgement that no broker answers may be lost with its connection.

    Args:
        bus: The bus that carries the tasks.
    """

    def __init__(self, bus: Bus) -> None:
        lost = dict.fromkeys(("ack", "nack", "nack_delay", "lease", "attempts"), False)
        super().__init__(
            bus, attrs.evolve(bus.capabilities, atomic_settle=False, **lost)
        )
        if names := getattr(bus, "names", None):
            self.names = names  # it is still a pair

    def _wrap(self, consumer: Consumer) -> Consumer:
        return EarlyConsumer(self, consumer)


class EarlyConsumer(WrappedConsumer):
    """Acknowledges what it hands out."""

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        deliveries = self._consumer.receive(limit, timeout)
        if deliveries:
            self._consumer.ack(deliveries)
        return deliveries

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        self._consumer.settle((), messages)


class BusPair(Wrapper):
    """What `--in-bus` and `--out-bus` make: one is read, the other is written.

    Settling sends to one and then acknowledges on the other, so it is never atomic.

    Args:
        source: The bus that is read.
        target: The bus that is written.
        names: Theirs; other buses have none.
    """

    def __init__(self, source: Bus, target: Bus) -> None:
        super().__init__(
            source,
            attrs.evolve(
                target.capabilities,
                atomic_settle=False,
                delay=False,  # a retry sent to the target would never be read again
                **{name: getattr(source.capabilities, name) for name in _OF_THE_SOURCE},
            ),
        )
        self.name = f"{source.name} -> {target.name}"
        self.names = source.name, target.name
        self._target = target

    def _wrap(self, consumer: Consumer) -> Consumer:
        return PairConsumer(self, consumer)

    def _producer(self) -> Producer:
        return WrappedProducer(self, self._target.producer())

    def _ping(self) -> None:
        self._bus.ping()
        self._target.ping()

    def _close(self) -> None:
        """Close the source first, so that nothing more arrives."""
        try:
            self._bus.close()
        finally:
            self._target.close()


class PairConsumer(WrappedConsumer):
    """Sends to the target, then acknowledges in the source.

    The source may be away for long, and the target be there. So when a settle is
    repeated, the messages that it has sent before are left out. What others have is
    not sent at all, unless only the broker of the source knows that they do.
    """

    bus: BusPair

    def __init__(self, bus: BusPair, consumer: Consumer) -> None:
        super().__init__(bus, consumer)
        self._sent: dict[int, Message] = {}  # by a settle that then failed

    def _require_held(self, deliveries: Sequence[Delivery]) -> None:
        self.innermost._require_held(deliveries)  # noqa: SLF001  it has the list

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        if self._sent:
            messages = self._send_rest(messages)
        elif messages:
            self.bus.shared_producer().send(messages)
        try:
            self._consumer.settle(deliveries, ())
        except BusError:
            self._sent.update((id(one), one) for one in messages)
            raise
        self._sent.clear()

    def _send_rest(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Send what was not sent before, and return it; errors tell places in all."""
        left = [at for at, one in enumerate(messages) if id(one) not in self._sent]
        rest = [messages[at] for at in left]
        try:
            if rest:
                self.bus.shared_producer().send(rest)
        except PayloadError as error:
            error.refused = tuple(left[at] for at in error.refused)
            raise
        except SendError as error:
            error.unsent = tuple(left[at] for at in error.unsent)
            raise
        return rest


_OF_THE_SOURCE = (
    "ack",
    "nack",
    "nack_delay",
    "lease",
    "ordered",
    "channels",
    "retains",
    "bounded",
    "attempts",
    "depth",
    "topics",
    "peek",
)
