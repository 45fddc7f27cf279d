"""The bus: it connects when it is used, and its parts connect each on its own."""

from collections.abc import Sequence

import attrs

from task_bus_nsq.consumer import NsqConsumer
from task_bus_nsq.crew import Crew
from task_bus_nsq.directory import Directory
from task_bus_nsq.link import Link
from task_bus_nsq.names import check_subscription
from task_bus_nsq.plugin import NsqOptions
from task_bus_nsq.producer import NsqProducer
from task_bus_nsq.settings import Settings, make_settings
from task_core.api import Bus, BusContext, Capabilities, Consumer, Delivery, Message
from task_core.errors import BusConnectionError


def make_bus(
    options: NsqOptions, context: BusContext, capabilities: Capabilities
) -> "NsqBus":
    """Check the options, and make the bus.

    Raises:
        OptionError: One of them is wrong.
    """
    settings = make_settings(options, context.lease)
    return NsqBus(settings, attrs.evolve(capabilities, max_bytes=settings.max_msg_size))


class NsqBus(Bus):
    """Carries messages over one nsqd or many.

    Args:
        settings: Whom to connect to, and how.
        capabilities: Those of the manifest, with the size that the options tell.
    """

    def __init__(self, settings: Settings, capabilities: Capabilities) -> None:
        super().__init__("nsq", capabilities)
        self._settings = settings
        self._directory = Directory(settings)
        self._open: list[NsqConsumer | NsqProducer] = []

    def subscribe(self, topic: str, channel: str) -> NsqConsumer:
        """Connect to every nsqd that has the topic; nothing is fetched yet.

        Raises:
            BusConnectionError: None of them can be reached.
            BusError: A name is none, or an nsqd refuses us.
        """
        self.check_open()
        check_subscription(topic, channel)
        crew = Crew(self._settings, self._directory, topic, channel)
        delay = self._settings.requeue_delay
        consumer = NsqConsumer(self, topic, channel, crew, delay)
        self._keep(consumer)
        return consumer

    def producer(self) -> NsqProducer:
        """Return a new producer; it connects at its first use."""
        self.check_open()
        producer = NsqProducer(self, self._settings, self._directory)
        self._keep(producer)
        return producer

    def settle(
        self,
        consumer: Consumer,
        deliveries: Sequence[Delivery],
        messages: Sequence[Message],
    ) -> None:
        """Send, await the confirmation, then finish the deliveries.

        When the connection of a delivery breaks between the two, it comes again.

        Raises:
            LeaseLostError: Some went to others; nothing was done.
            SendError: Some messages were not confirmed; nothing was finished.
        """
        self.check_open()
        assert isinstance(consumer, NsqConsumer)
        consumer.check_held(deliveries)
        if messages:
            if self._settler is None:
                self._settler = self.producer()
            self._settler.send(messages)
        consumer.finish(deliveries)

    def topics(self) -> Sequence[str]:
        """Return the names of the topics of all nsqds, sorted."""
        self.check_open()
        return self._directory.topics()

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included."""
        self.check_open()
        check_subscription(topic, channel)
        return self._directory.depth(topic, channel)

    def ping(self) -> None:
        """Connect to an nsqd.

        Raises:
            BusConnectionError: None answers.
        """
        self.check_open()
        failures = []
        for address in self._directory.writable():
            try:
                Link(address, self._settings, 0).drop()
            except BusConnectionError as error:
                failures.append(str(error))
            else:
                return
        raise BusConnectionError("; ".join(failures))

    def close(self) -> None:
        """Give back what is unsettled, and close all connections."""
        self.closed = True
        while self._open:
            self._open.pop().close()

    def _keep(self, part: NsqConsumer | NsqProducer) -> None:
        """Remember what `close` is to close."""
        self._open = [it for it in self._open if not it.closed]
        self._open.append(part)
