"""The nsqds to send to; nsqlookupds are asked again beside the thread that sends."""

import logging
import threading
from collections.abc import Sequence
from time import monotonic

from task_bus_nsq.discovery import Discovery
from task_bus_nsq.names import Address
from task_bus_nsq.settings import Settings
from task_core.api import BusError

_log = logging.getLogger("task.bus.nsq")


class Nodes:
    """Knows them: the nsqds of the options, or those that nsqlookupds name.

    Args:
        settings: Tells them, or how often to ask.
        discovery: Asks.
    """

    def __init__(self, settings: Settings, discovery: Discovery) -> None:
        self._discovery = discovery
        self._interval = settings.lookup_interval
        self._is_fixed = bool(settings.nsqd)
        self._known: Sequence[Address] = settings.nsqd
        self._is_doubted = False
        self._asked_at = float("-inf")
        self._thread: threading.Thread | None = None

    def get(self) -> Sequence[Address]:
        """Return all; another object than before when they may be others.

        Raises:
            BusConnectionError: No nsqlookupd answers, or they know no nsqd.
        """
        if self._is_fixed:
            return self._known
        if not self._known:
            self._ask()
        elif self._is_doubted:
            self._ask_again()
        elif monotonic() >= self._asked_at + self._interval and not self._is_asking():
            self._thread = threading.Thread(
                target=self._ask_again, name="nsq-nodes", daemon=True
            )
            self._thread.start()
        return self._known

    def doubt(self) -> None:
        """Ask before the next send: none of those that are known works."""
        self._is_doubted = True

    def _is_asking(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _ask(self) -> None:
        self._known = self._discovery.writable()
        self._asked_at = monotonic()
        self._is_doubted = False

    def _ask_again(self) -> None:
        try:
            self._ask()
        except BusError as error:
            self._asked_at = monotonic()
            _log.warning("%s; sending to those known before", error)
