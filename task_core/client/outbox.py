"""Sends within transactions of the caller's: what is rolled back was never sent."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from task_core.api.bus import Bus
from task_core.api.message import Message
from task_core.errors import BusClosedError, BusError, UsageError


class Outbox:
    """A bus of its own, which writes over connections of the caller's.

    Args:
        open_bus: Makes the bus; called when it is first used.
    """

    def __init__(self, open_bus: Callable[[], Bus]) -> None:
        self._open_bus = open_bus
        self._bus: Bus | None = None
        self._closed = False
        self._turn = threading.Lock()

    def send(
        self, messages: Sequence[Message], connection: Any, unique: object = None
    ) -> None:
        """Send when the transaction of this connection is committed.

        Raises:
            UnsupportedCapabilityError: The bus is not in a database (`outbox`).
            UsageError: They are to be sent once: that would outlive a rollback.
            BusClosedError: The client is closed.
            BusError: The database refuses; the transaction is to be rolled back.
        """
        if unique is not None:
            raise UsageError(
                "what is sent within a transaction cannot be `unique`: who remembers it"
                " does not see a rollback; have the database refuse a second one"
            )
        with self._turn:
            if self._closed:
                raise BusClosedError("this client is closed")
            self._bus = self._bus or self._open_bus()
            self._bus.shared_producer().send_within(messages, connection)

    def close(self) -> None:
        """Close the bus; may be repeated."""
        with self._turn:
            bus, self._bus = self._bus, None
            self._closed = True
        if bus is not None:
            try:
                bus.close()
            except BusError:
                pass  # it holds nothing: what was sent is the caller's to commit
