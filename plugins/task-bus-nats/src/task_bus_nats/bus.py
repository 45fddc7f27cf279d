"""The bus: one connection, made when it is used."""

import contextlib
from collections.abc import Sequence

import attrs

from task_bus_nats.consumer import NatsConsumer
from task_bus_nats.dialer import Dialer
from task_bus_nats.fence import Fence
from task_bus_nats.jetstream import JetStream
from task_bus_nats.link import Link
from task_bus_nats.names import Names
from task_bus_nats.options import NatsOptions
from task_bus_nats.producer import NatsProducer
from task_bus_nats.returns import Returns
from task_bus_nats.topics import Channel, Topics
from task_core.api import (
    Bus,
    BusContext,
    BusError,
    Capabilities,
    ChannelState,
    Consumer,
    Producer,
)

SCHEDULES = (2, 12)
"""The first version that sends later by itself."""
RESERVE = 4096
"""Bytes that are left for headers, which count."""
SHORTEST_LIFE = 15.0
"""Seconds that a temporary channel outlives a reader that was killed, at least."""
GOODBYE = 1.0
"""Seconds in which the server may confirm, at the end, that it has read all."""


def make_bus(
    options: NatsOptions, context: BusContext, capabilities: Capabilities
) -> "NatsBus":
    """Check the options, and make the bus; what it can do, the server tells.

    Where that is away, it is taken for a current one that carries what the options
    say; what is wrong, or too long after all, is told at the first use.

    Raises:
        OptionError: One of the options is wrong.
    """
    link = Link(Dialer(options))
    link.try_now()
    told = attrs.evolve(
        capabilities,
        delay=not link.connected or link.version >= SCHEDULES,
        max_bytes=options.max_bytes,
    )
    return NatsBus(options, context, told, link)


class NatsBus(Bus):
    """Carries messages over one server, or one of a cluster.

    Args:
        options: See the manifest.
        context: What it is opened for.
        capabilities: Those of the manifest, as far as the server has them; the longest
            body is what the one takes that is connected.
        link: The connection.
    """

    def __init__(
        self,
        options: NatsOptions,
        context: BusContext,
        capabilities: Capabilities,
        link: Link,
    ) -> None:
        super().__init__("nats", capabilities, lease=context.lease)
        self._link = link
        self._names = Names(options.prefix)
        self._server = JetStream(link, options.domain)
        self._of_server = Topics(self._server, self._names, options)
        self._returns = Returns(self._server, link, options)
        self._alone = options.replicas == 1
        self._longest = options.max_bytes
        link.on_begin = self._measure
        if link.connected:
            self._measure()

    def _measure(self) -> None:
        """See what the server takes: it may have been away, or may be another one."""
        longest = min(self._longest, self._link.max_payload - RESERVE)
        self.capabilities = attrs.evolve(self.capabilities, max_bytes=longest)

    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        life = max(SHORTEST_LIFE, 2 * self.lease) if temporary else 0.0
        consumer = NatsConsumer(
            self,
            Channel(topic, channel, self.lease, life),
            self._link,
            self._of_server,
            self._returns,
            self._pulls(topic, channel),
        )
        consumer.begin()
        return consumer

    def _pulls(self, topic: str, channel: str) -> str:
        """Return what to ask for the messages of a channel."""
        stream, consumer = (
            self._names.place(topic).stream,
            self._names.consumer(channel),
        )
        return f"{self._server.api}.CONSUMER.MSG.NEXT.{stream}.{consumer}"

    def _producer(self) -> Producer:
        fence = Fence(self._link, self._server, self._names) if self._alone else None
        return NatsProducer(self, self._link, self._of_server, self._names, fence)

    def _topics(self) -> Sequence[str]:
        return self._of_server.names()

    def _depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included."""
        counts = self._of_server.counts(topic)
        return counts.get(channel, counts.get("", (0, 0)))[0]

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        counts = self._of_server.counts(topic)
        return [ChannelState(name, *counts[name]) for name in sorted(counts) if name]

    def _peek(self, topic: str, limit: int) -> Sequence[bytes]:
        return self._of_server.look(topic, limit)

    def _forget(self, topic: str, channel: str) -> None:
        stream = self._names.place(topic).stream
        if channel:
            self._of_server.close(topic, channel)
            self._returns.forget(stream, self._names.consumer(channel))
        else:
            self._of_server.delete(topic)
            self._returns.forget(stream)

    def _ping(self) -> None:
        self._link.connect()
        self._link.flush()

    def _close(self) -> None:
        if self._link.connected:
            with contextlib.suppress(BusError):
                self._link.flush(GOODBYE)
        self._link.drop()
