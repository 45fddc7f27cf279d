"""The contract of a bus: what carries tasks. Synchronous, for one thread at a time.

Calls never overlap, but for `Consumer.wake`; they may come from several threads, which
take turns. So a plugin needs no locks, and a blocking library fits. Public methods are
final and keep the invariants; authors fill in hooks, which begin with `_`.

A lost connection is no end: after a `BusConnectionError` everything stays usable, and
the next call connects again or raises it again, in bounded time. How long to wait in
between is the caller's business. Of a delivery that was received before, the broker may
or may not know: settling it afterwards sends what its task produced, and costs at most
a duplicate. Only where others are known to have it, `LeaseLostError` says so.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from math import inf
from typing import ClassVar

import msgspec

from task_core.api.capabilities import Capabilities, require
from task_core.api.consumer import Consumer
from task_core.api.message import check_place
from task_core.api.part import Sealed, fit
from task_core.api.producer import Producer
from task_core.errors import BusClosedError, BusError, UnsupportedCapabilityError

__all__ = ["Bus", "BusContext", "ChannelState", "Consumer", "Producer", "Role"]


class Role(StrEnum):
    """What a bus is opened for."""

    BOTH = "both"
    IN = "in"
    """Only to read (`--in-bus`)."""
    OUT = "out"
    """Only to write (`--out-bus`)."""


class BusContext(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a bus is told when it opens.

    Args:
        role: What it is opened for.
        stdout: File descriptor of the data stream. Never write to 1: the launcher
            points that at stderr, so that a `print` cannot harm the data.
        stdin: File descriptor of what is piped in. Never read 0: the launcher points
            that at nothing, so that a worker's child process cannot eat the tasks.
        lease: Seconds until the broker hands out an unsettled delivery again.
        create: Make the place itself, a file or a database, when it is not there;
            False for commands that only look, for which that is an error.
    """

    role: Role = Role.BOTH
    stdout: int = 1
    stdin: int = 0
    lease: float = 30.0
    create: bool = True


class ChannelState(msgspec.Struct, frozen=True):
    """How full a channel is.

    Args:
        name: Its name.
        waiting: Messages that nobody holds.
        held: Messages that somebody holds and has not settled; None: nobody knows.
    """

    name: str
    waiting: int
    held: int | None = None


class Bus(Sealed, ABC, contract=True):
    """A connection to a broker.

    Args:
        name: The plugin's name, for messages.
        capabilities: What this very bus can do, with its options.
        lease: Seconds until an unsettled delivery comes again.
        closed: Whether `close` was called.
        expires_channels: Set this on a class whose broker deletes a temporary channel
            when its reader is gone; for all others the base does, by `_forget`.
        looking_takes: Set this on a class whose broker gives what a topic keeps for its
            first channel to a temporary one, too: the base lets none be that.
    """

    closed = False
    expires_channels: ClassVar[bool] = False
    looking_takes: ClassVar[bool] = False

    def __init__(
        self, name: str, capabilities: Capabilities, *, lease: float = inf
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self.lease = lease
        self._shared: Producer | None = None
        self._consumers: list[Consumer] = []
        self._producers: list[Producer] = []

    def subscribe(
        self,
        topic: str,
        channel: str,
        *,
        prefetch: int | None = None,
        temporary: bool = False,
    ) -> Consumer:
        """Start to read a topic.

        Args:
            topic: Its name.
            channel: Consumers on one channel share its messages.
            prefetch: Most deliveries that the caller will hold at a time, for brokers
                that push; None when it does not know.
            temporary: The channel goes with its reader: for looking, not for work.

        Raises:
            BusError: The broker refuses, or cannot have a topic of that name; or a
                temporary channel would take what is kept for the first one; or a name
                is empty, on a bus with channels.
        """
        self._check_open()
        check_place(self, topic, channel)
        if temporary and self.looking_takes and self.capabilities.depth:
            self._spare_what_is_kept(topic)
        made = self._subscribe(topic, channel, prefetch=prefetch, temporary=temporary)
        consumer: Consumer = fit(made, Consumer, self, "_subscribe")
        deletes = self.capabilities.channels and not self.expires_channels
        consumer.temporary = temporary and deletes
        self._consumers = [one for one in self._consumers if not one.closed]
        self._consumers.append(consumer)
        return consumer

    def producer(self) -> Producer:
        """Return a new producer.

        Raises:
            BusError: The broker refuses.
        """
        self._check_open()
        producer: Producer = fit(self._producer(), Producer, self, "_producer")
        self._producers = [one for one in self._producers if not one.closed]
        self._producers.append(producer)
        return producer

    def shared_producer(self) -> Producer:
        """Return the producer that settling and preparing use; made when needed."""
        if self._shared is None or self._shared.closed:
            self._shared = self.producer()
        return self._shared

    def prepare(self, topics: Sequence[str]) -> None:
        """Check or create topics before any work is done for them.

        Raises:
            BusError: One of them cannot be written.
        """
        self._check_open()
        self.shared_producer().prepare(topics)

    def topics(self) -> Sequence[str]:
        """Return the names of the topics, sorted (capability `topics`)."""
        self._demand("topics")
        return self._topics()

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages wait on a channel (capability `depth`)."""
        self._demand("depth")
        return self._depth(topic, channel)

    def channels(self, topic: str) -> Sequence[ChannelState]:
        """Return the channels of a topic, sorted by name (capability `depth`)."""
        self._demand("depth")
        return self._channels(topic)

    def peek(self, topic: str, limit: int) -> Sequence[bytes]:
        """Return up to `limit` bodies of a topic, oldest first (capability `peek`).

        Takes nothing: no channel is made, and nobody misses what is seen.
        """
        self._demand("peek")
        return self._peek(topic, limit) if limit > 0 else ()

    def forget(self, topic: str, channel: str = "") -> None:
        """Delete a channel with all that waits on it (capability `channels`).

        Args:
            topic: Whose channel; one that is not there is no error.
            channel: Which; the whole topic when empty.
        """
        self._demand("channels")
        self._forget(topic, channel)

    def ping(self) -> None:
        """Ask the broker for a sign of life.

        Raises:
            BusConnectionError: There is none.
            BusClosedError: `close` was called before.
        """
        self._check_open()
        self._ping()

    def close(self) -> None:
        """Close every consumer, every producer, then the connection; may be repeated.

        Each is closed though another one fails.

        Raises:
            BusError: The first that failed.
        """
        if self.closed:
            return
        self.closed = True
        failed: list[BusError] = []
        parts = [one.close for one in (*self._consumers, *self._producers)]
        for close in (*parts, self._close):
            try:
                close()
            except BusError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def remove_channel(self, topic: str, channel: str) -> None:
        """Delete the temporary channel of a consumer that is gone, if that works."""
        try:
            self._forget(topic, channel)
        except BusError:
            pass  # the broker is away; the channel is the price

    def _spare_what_is_kept(self, topic: str) -> None:
        """See that a channel that goes again is not the first, which takes what waits.

        Raises:
            BusError: It would be.
        """
        try:
            kept = self._kept(topic)
        except UnsupportedCapabilityError:  # with these options it cannot tell
            return
        if kept:
            raise BusError(
                f"bus '{self.name}': topic '{topic}' keeps {kept:,} for its first"
                " channel, and this would take them from it: start who reads it first"
            )

    def _demand(self, capability: str) -> None:
        require(self.capabilities, capability, self.name)
        self._check_open()

    def _check_open(self) -> None:
        """Refuse a call that comes after `close`."""
        if self.closed:
            raise BusClosedError(f"bus '{self.name}' is closed")

    @abstractmethod
    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        """Return a consumer; see `subscribe`."""

    @abstractmethod
    def _producer(self) -> Producer:
        """Return a producer; see `producer`."""

    def _topics(self) -> Sequence[str]:
        """Return the names of the topics, sorted (with capability `topics`)."""
        raise NotImplementedError(f"{type(self).__name__}._topics")

    def _depth(self, topic: str, channel: str) -> int:
        """Return how many messages wait (with capability `depth`)."""
        raise NotImplementedError(f"{type(self).__name__}._depth")

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        """Return the channels of a topic, sorted by name; none if it cannot list."""
        return ()

    def _kept(self, topic: str) -> int:
        """Return how many messages wait for a first channel (for `looking_takes`)."""
        return 0 if self._channels(topic) else self._depth(topic, "")

    def _peek(self, topic: str, limit: int) -> Sequence[bytes]:
        """Return bodies (with capability `peek`)."""
        raise NotImplementedError(f"{type(self).__name__}._peek")

    def _forget(self, topic: str, channel: str) -> None:
        """Delete a channel or a topic (with capability `channels`)."""
        raise NotImplementedError(f"{type(self).__name__}._forget")

    def _ping(self) -> None:
        """Ask the broker for a sign of life; a bus without a broker needs none."""

    def _close(self) -> None:
        """Free the connection; called once, after all parts are closed."""
