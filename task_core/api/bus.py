"""The contract of a bus: what carries tasks. Synchronous, and owned by one thread.

The launcher makes every call from one thread, except `Consumer.wake`. So a plugin
needs no locks, and a blocking client library fits as it is.

A lost connection is no end: after a `BusConnectionError` everything stays usable, and
the next call connects again or raises it again, in bounded time. How long to wait in
between is the caller's business. Of a delivery that was received before, the broker may
or may not know: settling it afterwards sends what its task produced, and costs at most
a duplicate. Only where others are known to have it, `LeaseLostError` says so.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum

import attrs

from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery, Message
from task_core.api.refusals import refuse
from task_core.errors import BusClosedError


class Role(StrEnum):
    """What a bus is opened for."""

    BOTH = "both"
    IN = "in"
    """Only to read (`--in-bus`)."""
    OUT = "out"
    """Only to write (`--out-bus`)."""


@attrs.frozen(kw_only=True, eq=False)
class BusContext:
    """What the composition root tells a bus when it opens.

    Args:
        role: What it is opened for.
        stdout: File descriptor of the data stream. Never write to 1: the launcher
            points that at stderr, so that a `print` cannot harm the data.
        lease: Seconds until the broker hands out an unsettled delivery again.
    """

    role: Role = Role.BOTH
    stdout: int = 1
    lease: float = 30.0


class Bus(ABC):
    """A connection to a broker. Plugins subclass it.

    Args:
        name: The plugin's name, for messages.
        capabilities: What this very bus can do, with its options.
        closed: Whether `close` was called; it sets this.
    """

    closed = False

    def __init__(self, name: str, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self._settler: Producer | None = None

    @abstractmethod
    def subscribe(self, topic: str, channel: str) -> "Consumer":
        """Start to read a topic.

        Args:
            topic: Its name.
            channel: Consumers on one channel share its messages.

        Raises:
            BusError: The broker refuses.
        """

    @abstractmethod
    def producer(self) -> "Producer":
        """Return a new producer.

        Raises:
            BusError: The broker refuses.
        """

    @abstractmethod
    def close(self) -> None:
        """Close every consumer and producer, then the connection; may be repeated."""

    def settle(
        self,
        consumer: "Consumer",
        deliveries: Sequence[Delivery],
        messages: Sequence[Message],
    ) -> None:
        """Publish what tasks produced, then acknowledge their deliveries.

        When it raises, nothing was acknowledged; messages may have been sent. A bus
        with transactions overrides it and does both or neither (`atomic_settle`). A
        bus with leases overrides it to refuse lost deliveries before it sends.

        Raises:
            SendError: The broker did not confirm all messages.
            LeaseLostError: Others have some of the deliveries; nothing was done.
            BusClosedError: `close` was called before, of the bus or the consumer.
            BusError: The broker failed otherwise.
        """
        self.check_open()
        if deliveries:
            consumer.check_open()
        if messages:
            if self._settler is None:
                self._settler = self.producer()
            self._settler.send(messages)
        if deliveries and self.capabilities.ack:
            consumer.ack(deliveries)

    def topics(self) -> Sequence[str]:
        """Return the names of the topics, sorted (capability `topics`)."""
        refuse(self, "topics")

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages wait on a channel (capability `depth`)."""
        refuse(self, "depth")

    def peek(self, topic: str, limit: int) -> Sequence[bytes]:
        """Return up to `limit` bodies of a topic, oldest first (capability `peek`).

        Takes nothing: no channel is made, and nobody misses what is seen.
        """
        refuse(self, "peek")

    def ping(self) -> None:
        """Ask the broker for a sign of life.

        Raises:
            BusConnectionError: There is none.
            BusClosedError: `close` was called before.
        """
        self.check_open()

    def check_open(self) -> None:
        """Refuse a call that comes after `close`.

        Raises:
            BusClosedError: It does.
        """
        if self.closed:
            raise BusClosedError(f"bus '{self.name}' is closed")


class Consumer(ABC):
    """Reads one topic on one channel.

    Args:
        bus: The bus that made it.
        topic, channel: What it reads.
        closed: Whether `close` was called; it sets this.
    """

    closed = False

    def __init__(self, bus: Bus, topic: str, channel: str) -> None:
        self.bus = bus
        self.topic = topic
        self.channel = channel

    @abstractmethod
    def receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Wait for messages.

        Takes no more than `limit` from the broker: what waits here could be done by
        another worker.

        Args:
            limit: Return at most so many.
            timeout: Return none after so many seconds; 0 does not wait.

        Returns:
            What is there, as soon as there is one. Nothing after `timeout`, after
            `wake`, or at the end of a bounded stream.

        Raises:
            BusConnectionError: The connection is lost.
            BusClosedError: `close` was called before.
        """

    @abstractmethod
    def wake(self) -> None:
        """Make a waiting `receive`, or the next one, return at once.

        The only call that comes from other threads.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back everything unsettled and stop reading; may be repeated."""

    @property
    def exhausted(self) -> bool:
        """Whether a bounded stream has delivered its last message."""
        return False

    def drain(self) -> Sequence[Delivery]:
        """Hand over what was read ahead and not delivered; called once, at the end.

        Only for buses that cannot give back (a pipe): others return nothing here and
        give back in `close`.
        """
        return ()

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that these are done (capability `ack`).

        May reach the broker a little later: a crash in between costs duplicates.

        Raises:
            LeaseLostError: Others have some of them; nothing was done.
        """
        refuse(self.bus, "ack")

    def nack(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:
        """Give these back (capability `nack`).

        Args:
            deliveries: Which. Those that others have stay theirs.
            delay: Not before so many seconds (capability `nack_delay`).
        """
        refuse(self.bus, "nack")

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the lease of these (capability `lease`).

        Those that others have stay theirs; a bus that sees it raises `LeaseLostError`.
        """
        refuse(self.bus, "lease")

    def check_open(self) -> None:
        """Refuse a call that comes after `close`, its own or that of the bus.

        Raises:
            BusClosedError: It does.
        """
        if self.closed or self.bus.closed:
            raise BusClosedError(f"bus '{self.bus.name}': this consumer is closed")


class Producer(ABC):
    """Writes messages to topics.

    Args:
        bus: The bus that made it.
        closed: Whether `close` was called; it sets this.
    """

    closed = False

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    @abstractmethod
    def send(self, messages: Sequence[Message]) -> None:
        """Send, and return when the broker has confirmed all of them.

        Implementations first call `check_open` and `check_messages`.

        Raises:
            UnsupportedCapabilityError: A message asks for what the bus cannot do.
            PayloadError: A body is longer than the bus can carry; nothing was sent.
            SendError: Some were not confirmed; it tells which.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop writing; may be repeated."""

    def prepare(self, topics: Sequence[str]) -> None:
        """Check or create topics before any work is done for them.

        Raises:
            BusError: One of them cannot be written.
        """

    def check_open(self) -> None:
        """Refuse a call that comes after `close`, its own or that of the bus.

        Raises:
            BusClosedError: It does.
        """
        if self.closed or self.bus.closed:
            raise BusClosedError(f"bus '{self.bus.name}': this producer is closed")
