"""`--drain`: when a topic counts as empty."""

import logging

from task_core.api.bus import Bus
from task_core.clock import Clock
from task_core.errors import BusConnectionError, UnsupportedCapabilityError
from task_core.launcher.plan import Plan

QUIET = 1.0
"""Seconds without a message after which a topic may be empty."""


class Drain:
    """Looks whether nothing waits, and nothing will come again.

    What somebody holds comes again if he was killed, so it is waited for.

    Args:
        plan: Tells topic and channel.
        bus, clock, log: As everywhere.
    """

    looks_every = QUIET

    def __init__(self, plan: Plan, bus: Bus, clock: Clock, log: logging.Logger) -> None:
        self._topic = plan.topic
        self._channel = plan.channel
        self._bus = bus
        self._clock = clock
        self._log = log
        self._told = 0
        self._silent = 0  # looks in a row that told nothing

    def is_empty(self, last: float) -> bool:
        """Whether the end is reached; ask when nothing is held here.

        What nobody can tell is no reason to read no more: a part of the bus may be away
        that has what is counted, and the others have tasks.

        Args:
            last: When something came or was finished, on the monotonic clock.
        """
        if self._clock.monotonic() < last + QUIET:
            return False
        if not self._bus.capabilities.depth:
            return True
        try:
            waits = self._bus.depth(self._topic, self._channel)
            empty = not waits and not self._held_by_others()
        except BusConnectionError as error:
            self._note_silence(error)
            return False
        except UnsupportedCapabilityError as error:  # with these options it cannot
            self._log.warning("%s; nothing came for %gs", error, QUIET)
            return True
        self._silent = 0
        return empty

    def _note_silence(self, error: BusConnectionError) -> None:
        self._silent += 1
        if self._silent == 2:  # else it may be away as a whole: who reads tells that
            text = "%s; reads on until it can be told that '%s' is empty"
            self._log.warning(text, error, self._topic)

    def _held_by_others(self) -> int:
        """Return how many others hold, or have given back since they were counted."""
        states = self._bus.channels(self._topic)
        ours = [one for one in states if one.name == self._channel]
        held = sum(one.held or 0 for one in ours)
        if held and held != self._told:
            text = "waiting for %d held by others: they come again if these have died"
            self._log.info(text, held)
        self._told = held
        return held + sum(one.waiting for one in ours)
