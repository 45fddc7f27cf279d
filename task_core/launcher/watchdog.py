"""Sees that nothing arrives although messages wait: then reading has stalled."""

import logging

from task_core.api.bus import Bus
from task_core.clock import Clock
from task_core.errors import BusError

FIRST_STALL = 120.0
LAST_STALL = 3600.0
"""Seconds without a message that are too long: they double while it is no use."""


class Watchdog:
    """Asks for the backlog when nothing has come for long.

    What is delayed, or what others have, may count as backlog. Subscribing anew then
    does no harm, and happens less and less often, until something comes.

    Args:
        bus, topic, channel: What is read.
        clock, log: As everywhere.
    """

    def __init__(
        self, bus: Bus, topic: str, channel: str, clock: Clock, log: logging.Logger
    ) -> None:
        self._bus = bus
        self._topic = topic
        self._channel = channel
        self._clock = clock
        self._log = log
        self._stall = FIRST_STALL
        self._since = clock.monotonic()

    def feed(self) -> None:
        """Note that something came."""
        self._since = self._clock.monotonic()
        self._stall = FIRST_STALL

    def barks(self) -> bool:
        """Whether nothing has come for too long, though the broker has some."""
        now = self._clock.monotonic()
        if now < self._since + self._stall:
            return False
        self._since = now
        if not self._has_backlog():
            return False
        self._stall = min(2 * self._stall, LAST_STALL)
        return True

    def _has_backlog(self) -> bool:
        if not self._bus.capabilities.depth:
            return False
        try:
            return self._bus.depth(self._topic, self._channel) > 0
        except BusError as error:  # who may not ask may still read
            self._log.debug("no word on the backlog: %s", error)
            return False
