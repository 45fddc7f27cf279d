"""Broker trouble: what is tried again, how long to wait before, and who is told.

Chance keeps many who wait for the same broker from coming back all at once.
"""

import logging
import os
from collections.abc import Callable
from typing import TypeVar

from task_core.api.bus import Bus
from task_core.clock import Clock
from task_core.errors import BusConnectionError, BusError, SendError

FIRST_PAUSE = 0.1
LAST_PAUSE = 10.0
"""Seconds before the next attempt: they double from the first to the last."""
FIRST_STALL = 120.0
LAST_STALL = 3600.0
"""Seconds without a message that are too long: they double while it is no use."""
LOOK_AGAIN = 5.0
"""Seconds between two looks at the backlog for those who want to know it."""

T = TypeVar("T")


def is_passing(error: BusError) -> bool:
    """Whether the same call may work a little later."""
    if isinstance(error, SendError):
        return error.transient
    return isinstance(error, BusConnectionError)


class Outages:
    """Sits out the times when the broker is away.

    Args:
        wait: Waits so many seconds, or until somebody wants to stop.
        clock: Tells how long an outage was.
        log: Gets one line when an outage begins and one when it is over.
        on_lost: Told of the error when an outage begins, or None.
    """

    def __init__(
        self,
        wait: Callable[[float], object],
        clock: Clock,
        log: logging.Logger,
        on_lost: Callable[..., None] | None = None,
    ) -> None:
        self._wait = wait
        self._clock = clock
        self._log = log
        self._on_lost = on_lost
        self.away = ""
        """Why the bus is away; empty while it is there."""
        self.last_error = ""
        """Why it was away last."""
        self._attempts = 0
        self._since = 0.0

    def attempt(self, act: Callable[[], object]) -> bool:
        """Do something with the bus; wait, and return False, when it is away.

        Args:
            act: What to do; it returns False when it did not need the bus after all,
                so that nobody takes this for a sign of life.

        Raises:
            BusError: It failed in another way: trying again would not help.
        """
        try:
            done = act()
        except BusError as error:
            if not is_passing(error):
                raise
            self._sit_out(error)
            return False
        self._see(done)
        return True

    def insist(self, act: Callable[[], T], gives_up: Callable[[], bool]) -> T:
        """Do something with the bus, again and again while it is away.

        Args:
            act: What to do, as for `attempt`.
            gives_up: Whether to let the error through when it is away.

        Raises:
            BusError: It failed in another way, or is away and the caller gives up.
        """
        while True:
            try:
                done = act()
            except BusError as error:
                if not is_passing(error) or gives_up():
                    raise
                self._sit_out(error)
            else:
                self._see(done)
                return done

    def _sit_out(self, error: BusError) -> None:
        self.away = self.last_error = str(error)
        if not self._attempts:
            self._since = self._clock.monotonic()
            self._log.warning("%s; trying again until it is back", error)
            if self._on_lost:
                self._on_lost(error=error)
        self._attempts += 1
        pause = min(LAST_PAUSE, FIRST_PAUSE * 2 ** min(self._attempts - 1, 10))
        self._log.debug("attempt %d: %s", self._attempts, error)
        self._wait(pause / 2 + random_part(pause / 2))

    def _see(self, done: object) -> None:
        """Tell that the outage is over, if there was one and the bus has answered."""
        if not self._attempts or done is False:
            return
        self._attempts, self.away = 0, ""
        seconds = self._clock.monotonic() - self._since
        self._log.warning("the bus is back after %.1fs", seconds)


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
        self._next_look = self._since
        self.depth: int | None = None
        """What the bus said last of the backlog, if anybody wants to know."""
        self.wanted = False
        """Whether somebody does: set by who shows it, from other threads."""

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

    def look(self) -> None:
        """Ask for the backlog since somebody wants to know, but not all the time."""
        if (now := self._clock.monotonic()) >= self._next_look:
            self._next_look, self.wanted = now + LOOK_AGAIN, False
            self._has_backlog()

    def _has_backlog(self) -> bool:
        self.depth = None
        if self._bus.capabilities.depth:
            try:
                self.depth = self._bus.depth(self._topic, self._channel)
            except BusError as error:  # who may not ask may still read
                self._log.debug("no word on the backlog: %s", error)
        return bool(self.depth)


def random_part(most: float) -> float:
    """Return some number from 0 to `most`."""
    # Not the module `random`: every start would pay for its import.
    return most * int.from_bytes(os.urandom(4)) / 2**32
