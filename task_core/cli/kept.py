"""Reads what waits on a topic, and keeps it for as long as somebody looks at it."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from time import monotonic

from task_core.api.bus import Bus, Consumer
from task_core.api.message import Delivery, Message
from task_core.errors import BusConnectionError, UnsupportedCapabilityError
from task_core.launcher.in_flight import without_lost

AT_ONCE = 100
"""Messages that are taken at a time."""
QUIET = 1.0
"""Seconds without a message after which a topic counts as empty."""
LAST_LOOK = 0.1
"""The same, when the bus says that nothing waits: some buses count a little late."""


class Kept:
    """What a command has taken and not settled; its leases are renewed at a third.

    There is no thread for that: whoever goes on after a pause that was longer than a
    lease finds that others have what was taken, or gets it again.

    Args:
        bus, consumer: What is read.
    """

    def __init__(self, bus: Bus, consumer: Consumer) -> None:
        self._bus = bus
        self._consumer = consumer
        self._left: dict[int, Delivery] = {}
        self._interval = bus.lease / 3 if bus.capabilities.lease else math.inf
        self._renewal = math.inf

    def waiting(self, *, follow: bool = False) -> Iterator[Delivery]:
        """Yield what waits on the topic.

        Args:
            follow: Go on when there is no more, and wait for what comes.
        """
        while not self._consumer.exhausted:
            ends_soon = not follow and self._says_empty()
            seconds = LAST_LOOK if ends_soon else QUIET
            deliveries = self._consumer.receive(AT_ONCE, seconds)
            if not (deliveries or follow):
                return
            self._keep(deliveries)
            for delivery in deliveries:
                if self._still_has(delivery):
                    yield delivery

    def settle(self, delivery: Delivery, messages: Sequence[Message] = ()) -> bool:
        """Send messages, and acknowledge a delivery; return whether it was still ours.

        Raises:
            PayloadError: The bus can never carry a message; nothing was done.
            BusError: It failed otherwise.
        """
        if not self._still_has(delivery):
            return False
        lost = without_lost(partial(self._settle, messages), [delivery])
        del self._left[id(delivery)]
        return not lost

    def drop(self, deliveries: Sequence[Delivery]) -> int:
        """Acknowledge deliveries; return how many of them were still ours."""
        ours = [one for one in deliveries if self._still_has(one)]
        return len(ours) - without_lost(self._consumer.ack, ours)

    def held_by_others(self) -> int:
        """Return how many messages of the channel others hold, if the bus can tell."""
        if not self._bus.capabilities.depth:
            return 0
        consumer = self._consumer
        try:
            states = self._bus.channels(consumer.topic)
        except (UnsupportedCapabilityError, BusConnectionError):
            return 0  # as for `_says_empty`
        held = sum(one.held or 0 for one in states if one.name == consumer.channel)
        return max(0, held - len(self._left))

    def _settle(self, messages: Sequence[Message], deliveries: list[Delivery]) -> None:
        if messages:
            self._consumer.settle(deliveries, messages)
        elif self._bus.capabilities.ack:
            self._consumer.ack(deliveries)

    def _keep(self, deliveries: Sequence[Delivery]) -> None:
        if not self._left:
            self._renewal = monotonic() + self._interval
        self._left.update((id(one), one) for one in deliveries)

    def _still_has(self, delivery: Delivery) -> bool:
        """Whether it is ours, as far as we know; renew leases when it is time."""
        if monotonic() >= self._renewal:
            self._renewal = monotonic() + self._interval
            self._renew()
        return id(delivery) in self._left

    def _renew(self) -> None:
        renewed: list[Delivery] = []

        def extend(deliveries: list[Delivery]) -> None:
            self._consumer.extend(deliveries)
            renewed[:] = deliveries

        without_lost(extend, [*self._left.values()])
        self._left = {id(one): one for one in renewed}

    def _says_empty(self) -> bool:
        if not self._bus.capabilities.depth:
            return False
        try:
            return not self._bus.depth(self._consumer.topic, self._consumer.channel)
        except (UnsupportedCapabilityError, BusConnectionError):
            return False  # it cannot tell; when it is away, whoever reads hears of it
