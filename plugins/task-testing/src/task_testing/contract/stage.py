"""Where the rules of a bus are played: buses to open, messages to put and await."""

import threading
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any

from task_core.api.bus import Bus, BusContext, Consumer, Role
from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery, Message
from task_core.api.plugin import BusPlugin
from task_core.errors import BusConnectionError, LeaseLostError, SendError
from task_testing.contract.backdoor import Backdoor

LONG = 30.0
"""Seconds of a lease that is not to end during a rule."""
GLANCE = 0.1
"""Seconds of one look while several consumers are read in turn."""


class Stage:
    """Opens buses and closes them at the end, whatever happened.

    Args:
        plugin, options, backdoor: What the author gave.
        lease: Seconds of the leases that are to end during a rule.
        patience: Seconds in which what must happen has happened.
    """

    def __init__(
        self,
        plugin: BusPlugin,
        options: Any,
        backdoor: Backdoor,
        lease: float,
        patience: float,
    ) -> None:
        self.plugin = plugin
        self.options = options
        self.backdoor = backdoor
        self.lease = lease
        self.patience = patience
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
        self._opened.append(bus)
        return bus

    def close(self) -> None:
        """Close all that was opened."""
        while self._opened:
            self._opened.pop().close()

    def consumer(
        self, topic: str, channel: str = "kit", *, lease: float = LONG
    ) -> Consumer:
        """Start to read a topic, through a bus of its own."""
        bus = self.open(lease=lease)
        consumer = bus.subscribe(topic, channel)
        self._made.append((consumer, bus))
        return consumer

    def bus_of(self, consumer: Consumer) -> Bus:
        """Return the bus that was opened for a consumer."""
        return next(bus for one, bus in self._made if one is consumer)

    def filled(self, *bodies: bytes, lease: float = LONG) -> tuple[str, Consumer]:
        """Put messages on a new topic and start to read it."""
        topic = self.backdoor.topic()
        self.backdoor.put(topic, bodies)
        return topic, self.consumer(topic, lease=lease)

    def send(self, topic: str, *bodies: bytes, **extras: Any) -> None:
        """Send messages through the bus."""
        producer = self.bus.producer()
        producer.send([Message(topic, body, **extras) for body in bodies])
        producer.close()

    def receive(
        self, consumer: Consumer, count: int = 1, *more: Consumer, limit: int = 100
    ) -> list[Delivery]:
        """Read consumers in turn until so many have come, or patience is over."""
        found: list[Delivery] = []
        readers = (consumer, *more)
        deadline = monotonic() + self.patience
        while len(found) < count and monotonic() < deadline:
            for reader in readers:
                wanted = min(limit, count - len(found))
                glance = GLANCE if more else deadline - monotonic()
                if wanted and not reader.exhausted:
                    came = reader.receive(wanted, max(0.0, glance))
                    assert len(came) <= wanted, "more than the limit was delivered"
                    found += came
            if all(reader.exhausted for reader in readers):
                break
        return found

    def quiet(self, consumer: Consumer, seconds: float = 0.5) -> Sequence[bytes]:
        """Read for a while and return what came: nothing is to come."""
        deadline = monotonic() + seconds
        while (left := deadline - monotonic()) > 0 and not consumer.exhausted:
            if came := consumer.receive(10, left):
                return bodies(came)
        return []

    def comes_true(self, condition: Callable[[], bool]) -> bool:
        """Look again and again, until patience is over, whether something holds."""
        deadline = monotonic() + self.patience
        while not (holds := condition()) and monotonic() < deadline:
            threading.Event().wait(GLANCE)
        return holds

    def persist(self, act: Callable[[], Any]) -> Any:
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

    def settle_if_held(
        self, consumer: Consumer, deliveries: Sequence[Delivery]
    ) -> bool:
        """Acknowledge, through outages; return False where that came too late."""
        try:
            self.persist(lambda: consumer.ack(deliveries))
        except LeaseLostError:
            return False
        return True


def bodies(deliveries: Iterable[Delivery]) -> list[bytes]:
    """Return what was delivered."""
    return [delivery.body for delivery in deliveries]
