"""The bus: it connects when it is used, and its parts connect each on its own."""

from collections.abc import Sequence

import attrs

from task_bus_nsq.connection import NsqdConnection
from task_bus_nsq.connections import Connections
from task_bus_nsq.consumer import NsqConsumer
from task_bus_nsq.discovery import Discovery
from task_bus_nsq.http import HttpApi
from task_bus_nsq.names import checked, ephemeral
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.producer import NsqProducer
from task_bus_nsq.settings import Settings, make_settings
from task_bus_nsq.stats import Stats
from task_core.api import (
    Bus,
    BusConnectionError,
    BusContext,
    Capabilities,
    ChannelState,
    Consumer,
    Producer,
)


def make_bus(
    options: NsqOptions, context: BusContext, capabilities: Capabilities
) -> "NsqBus":
    """Check the options, and make the bus.

    Raises:
        OptionError: One of them is wrong.
    """
    settings = make_settings(options, context.lease)
    limits = attrs.evolve(
        capabilities,
        max_bytes=settings.max_msg_size,
        max_delay=settings.max_req_timeout,
    )
    return NsqBus(settings, limits)


class NsqBus(Bus):
    """Carries messages over one nsqd or many.

    Args:
        settings: Whom to connect to, and how.
        capabilities: Those of the manifest, with the limits that the options tell.
    """

    expires_channels = True  # those named `…#ephemeral`
    looking_takes = True

    def __init__(self, settings: Settings, capabilities: Capabilities) -> None:
        super().__init__("nsq", capabilities, lease=settings.lease)
        self._settings = settings
        api = HttpApi(settings)
        self._discovery = Discovery(settings, api)
        self._stats = Stats(settings, api, self._discovery, self._ping)

    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        """Connect to every nsqd that has the topic; nothing is fetched yet."""
        if temporary:
            channel = ephemeral(channel)
        names = checked("topic", topic), checked("channel", channel)
        connections = Connections(self._settings, self._discovery, *names)

        def timeouts(nsqds: int) -> int | None:
            return self._stats.timeouts(*names, nsqds)

        return NsqConsumer(self, topic, channel, connections, self._settings, timeouts)

    def _producer(self) -> Producer:
        """Return a producer, which connects at its first use."""
        return NsqProducer(self, self._settings, self._discovery)

    def _topics(self) -> Sequence[str]:
        return self._stats.topics()

    def _depth(self, topic: str, channel: str) -> int:
        return self._stats.depth(checked("topic", topic), channel)

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        return self._stats.channels(checked("topic", topic))

    def _kept(self, topic: str) -> int:
        return self._stats.kept(checked("topic", topic))

    def _forget(self, topic: str, channel: str) -> None:
        self._stats.delete(checked("topic", topic), channel)

    def _ping(self) -> None:
        """Connect to an nsqd."""
        failures = []
        for address in self._discovery.writable():
            try:
                NsqdConnection(address, self._settings, 0).drop()
            except BusConnectionError as error:
                failures.append(str(error))
            else:
                return
        raise BusConnectionError("; ".join(failures))
