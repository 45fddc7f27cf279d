"""What the rules of a bus work with: buses to open, messages to put and await."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any, TypeVar

import pytest

from task_core.api import (
    Bus,
    BusConnectionError,
    BusContext,
    BusPlugin,
    Capabilities,
    Consumer,
    Delivery,
    LeaseLostError,
    Message,
    Role,
    SendError,
)
from task_testing.contract.backdoor import Backdoor

LONG = 30.0
"""Seconds of a lease that is not to end during a rule."""
SETTLED = 0.2
"""Seconds after which a consumer that reads is known to its broker."""
T = TypeVar("T")
CAME_AGAIN = "what was acknowledged came again: look at _ack"
"""What a failure says where that is to stay away."""
GLANCE = 0.1
"""Seconds of one look while several consumers are read in turn."""


class Environment:
    """Opens buses and closes them at the end, whatever happened.

    Args:
        plugin, options, backdoor: What the author gave.
        lease: Seconds of the leases that are to end during a rule.
        patience: Seconds in which what must happen has happened.
        away: Seconds more until messages come again when the broker was away.
    """

    def __init__(
        self,
        plugin: BusPlugin,
        options: Any,
        backdoor: Backdoor,
        lease: float,
        patience: float,
        away: float,
    ) -> None:
        self.plugin = plugin
        self.options = options
        self.backdoor = backdoor
        self.lease = lease
        self.patience = patience
        self._away = away
        self._opened: list[Bus] = []
        self._made: list[tuple[Consumer, Bus]] = []

    @property
    def bus(self) -> Bus:
        """The first bus of the rule."""
        return self._opened[0] if self._opened else self.open()

    @property
    def capabilities(self) -> Capabilities:
        """What the bus declares when it is open."""
        return self.bus.capabilities

    def context(self, lease: float = LONG, role: Role = Role.BOTH) -> BusContext:
        """Return what a bus is told when it opens."""
        return BusContext(role=role, stdout=self.backdoor.stdout, lease=lease)

    def open(
        self, *, lease: float = LONG, role: Role = Role.BOTH, options: Any = None
    ) -> Bus:
        """Open one more bus."""
        chosen = self.options if options is None else options
        bus = self.plugin.open(chosen, self.context(lease, role))
        _made_whole(bus, "name, capabilities")
        self._opened.append(bus)
        return bus

    def close(self) -> None:
        """Close all that was opened."""
        while self._opened:
            self._opened.pop().close()

    def consumer(
        self,
        topic: str,
        channel: str = "kit",
        *,
        lease: float = LONG,
        role: Role = Role.BOTH,
        temporary: bool = False,
    ) -> Consumer:
        """Start to read a topic, through a bus of its own."""
        bus = self.open(lease=lease, role=role)
        consumer = bus.subscribe(topic, channel, temporary=temporary)
        if not hasattr(consumer, "bus"):
            self._opened.remove(bus)  # it cannot be closed
        _made_whole(consumer, "bus, topic, channel")
        self._made.append((consumer, bus))
        return consumer

    def bus_of(self, consumer: Consumer) -> Bus:
        """Return the bus that was opened for a consumer."""
        return next(bus for one, bus in self._made if one is consumer)

    @property
    def forgets(self) -> bool:
        """Whether messages are lost on a topic that has no channel yet."""
        return self.capabilities.channels and not self.capabilities.retains

    def topic(self, *, wide: bool = False) -> str:
        """Return a new topic that keeps what is sent, if need be for a first reader.

        Args:
            wide: Whether several consumers are to read it at once.
        """
        topic = self.backdoor.wide_topic() if wide else self.backdoor.topic()
        if self.forgets:
            first = self.consumer(topic)
            self.quiet(first, SETTLED)  # a channel is there when its consumer reads
            self.bus_of(first).close()
        return topic

    def filled(
        self, *bodies: bytes, lease: float = LONG, role: Role = Role.BOTH
    ) -> tuple[str, Consumer]:
        """Put messages on a new topic and read it, in the order that the bus wants."""
        topic = self.topic()
        self.backdoor.put(topic, bodies)
        return topic, self.consumer(topic, lease=lease, role=role)

    def send(self, topic: str, *bodies: bytes, **extras: Any) -> None:
        """Send messages through the bus."""
        producer = self.bus.producer()
        producer.send([Message(topic, body, **extras) for body in bodies])
        producer.close()

    def receive(
        self,
        consumer: Consumer,
        count: int = 1,
        *more: Consumer,
        limit: int = 100,
        about: str = "",
    ) -> list[Delivery]:
        """Read consumers in turn until so many have come.

        When they do not it fails, and says how many did, and what it is about.
        """
        found: list[Delivery] = []
        readers = (consumer, *more)
        deadline = monotonic() + self.patience
        while len(found) < count and monotonic() < deadline:
            for reader in readers:
                wanted = min(limit, count - len(found))
                glance = GLANCE if more else deadline - monotonic()
                if wanted and not reader.exhausted:
                    found += self.look(reader, wanted, glance)
            if all(reader.exhausted for reader in readers):
                break
        late = f"in {self.patience:g} s, {len(found)} of {count} came: {bodies(found)}"
        late += about and f"; {about}"
        assert len(found) == count, late
        return found

    def look(
        self, consumer: Consumer, limit: int, timeout: float
    ) -> Sequence[Delivery]:
        """Read once, and see that no more comes than was asked for."""
        came = consumer.receive(limit, max(0.0, timeout))
        assert len(came) <= limit, "more than the limit was delivered"
        return came

    def receive_all(self, consumer: Consumer, wanted: Iterable[bytes]) -> list[bytes]:
        """Read and acknowledge until each of these has come, some of them twice.

        What a killed process was given may come once more than somebody saw.
        """
        found: list[bytes] = []
        missing = set(wanted)
        deadline = monotonic() + self.patience
        while missing and (left := deadline - monotonic()) > 0:
            came = self.look(consumer, 100, left)
            consumer.ack(came)
            found += bodies(came)
            missing.difference_update(found)
        assert not missing, f"in {self.patience:g} s, {sorted(missing)} did not come"
        return found

    def quiet(self, consumer: Consumer, seconds: float = 0.5) -> Sequence[bytes]:
        """Read for a while and return what came: nothing is to come."""
        deadline = monotonic() + seconds
        while (left := deadline - monotonic()) > 0 and not consumer.exhausted:
            if came := consumer.receive(10, left):
                return bodies(came)
        return []

    def done(self, consumer: Consumer, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge, on a bus that wants it."""
        if self.capabilities.ack:
            consumer.ack(deliveries)

    @property
    def lease_is_over(self) -> str:
        """What a failure says where a delivery is to come again by its lease."""
        return (
            "what is neither settled nor extended is to come again when its lease is"
            f" over: {self.lease:g} s here, which the bus is told as context.lease"
        )

    def channels(self, topic: str) -> set[str]:
        """Return the channels of a topic, as bus and broker tell; none if neither."""
        told = set()
        if self.capabilities.depth:
            told = {state.name for state in self.bus.channels(topic)}
        with contextlib.suppress(pytest.skip.Exception):
            told |= set(self.backdoor.channels(topic))
        return told

    def comes_true(self, condition: Callable[[], bool]) -> bool:
        """Look again and again, until patience is over, whether something holds."""
        deadline = monotonic() + self.patience
        while not (holds := condition()) and monotonic() < deadline:
            threading.Event().wait(GLANCE)
        return holds

    def persist(self, act: Callable[[], T]) -> T:
        """Do something again and again until the connection is back.

        Raises:
            BusError: It did not come back in time; or a failure of another kind.
        """
        deadline = monotonic() + self.patience * 3
        while True:
            try:
                return act()
            except (BusConnectionError, SendError) as error:
                lasting = isinstance(error, SendError) and not error.transient
                if lasting or monotonic() > deadline:
                    raise
                threading.Event().wait(GLANCE)

    def receive_after_outage(
        self, consumer: Consumer, limit: int
    ) -> Sequence[Delivery]:
        """Receive what comes, however long the broker was away."""
        seconds = self.patience + self._away
        return self.persist(lambda: consumer.receive(limit, seconds))

    def settle_if_held(
        self, consumer: Consumer, deliveries: Sequence[Delivery]
    ) -> bool:
        """Acknowledge, through outages; return False where that came too late."""
        try:
            self.persist(lambda: consumer.ack(deliveries))
        except LeaseLostError:
            return False
        return True


def _made_whole(part: Bus | Consumer, arguments: str) -> None:
    """Fail where a class has replaced the `__init__` of the base and not called it."""
    missing = "capabilities" if isinstance(part, Bus) else "bus"
    if not hasattr(part, missing):
        name = type(part).__name__
        told = f"{name}.__init__ does not call super().__init__({arguments})"
        pytest.fail(told, pytrace=False)


def bodies(deliveries: Iterable[Delivery]) -> list[bytes]:
    """Return what was delivered."""
    return [delivery.body for delivery in deliveries]
