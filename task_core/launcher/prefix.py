"""A bus whose topics all begin alike, so that two environments share one broker."""

from collections.abc import Sequence
from typing import Any

from task_core.api.bus import Bus, ChannelState
from task_core.api.consumer import Consumer
from task_core.api.message import Delivery, Message
from task_core.api.producer import Producer
from task_core.launcher.wrappers import WrappedConsumer, WrappedProducer, Wrapper


class PrefixBus(Wrapper):
    """Puts a prefix before the name of every topic; who uses it sees none.

    Args:
        bus: The other bus.
        prefix: What its topics begin with, for example `staging.`.
    """

    def __init__(self, bus: Bus, prefix: str) -> None:
        super().__init__(bus, bus.capabilities)
        self.prefix = prefix

    def place(self, topic: str) -> str:
        """Return what a topic is called on the other bus; no name stays none."""
        return topic and self.prefix + topic

    def placed(self, messages: Sequence[Message]) -> list[Message]:
        """Return messages as the other bus has them."""
        return [
            Message(self.place(m.topic), m.body, m.key, m.delay, m.priority, m.headers)
            for m in messages
        ]

    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        consumer = self._bus.subscribe(
            self.place(topic), channel, prefetch=prefetch, temporary=temporary
        )
        return PrefixConsumer(self, consumer, topic)

    def _producer(self) -> Producer:
        return PrefixProducer(self, self._bus.producer())

    def _topics(self) -> Sequence[str]:
        """Return those with the prefix, without it."""
        return [
            name.removeprefix(self.prefix)
            for name in self._bus.topics()
            if name.startswith(self.prefix)
        ]

    def _depth(self, topic: str, channel: str) -> int:
        return self._bus.depth(self.place(topic), channel)

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        return self._bus.channels(self.place(topic))

    def _peek(self, topic: str, limit: int) -> Sequence[bytes]:
        return self._bus.peek(self.place(topic), limit)

    def _forget(self, topic: str, channel: str) -> None:
        self._bus.forget(self.place(topic), channel)


class PrefixConsumer(WrappedConsumer):
    """Reads a topic under its short name."""

    bus: PrefixBus

    def __init__(self, bus: PrefixBus, consumer: Consumer, topic: str) -> None:
        super().__init__(bus, consumer)
        self.topic = topic

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        self._consumer.settle(deliveries, self.bus.placed(messages))


class PrefixProducer(WrappedProducer):
    """Writes to topics under their short names."""

    bus: PrefixBus

    def _send(self, messages: Sequence[Message]) -> None:
        self._producer.send(self.bus.placed(messages))

    def _send_within(self, messages: Sequence[Message], connection: Any) -> None:
        self._producer.send_within(self.bus.placed(messages), connection)

    def _prepare(self, topics: Sequence[str]) -> None:
        self._producer.prepare([self.bus.place(topic) for topic in topics])
