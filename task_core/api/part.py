"""What consumers and producers share: they belong to a bus, and are closed once."""

from abc import ABC
from collections.abc import Sequence
from typing import Protocol

from task_core.api.capabilities import Capabilities
from task_core.api.message import Message
from task_core.api.sealed import Sealed
from task_core.errors import BusClosedError


class Sender(Protocol):
    """A producer, as far as settling knows it."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send, and return when all are confirmed."""


class Owner(Protocol):
    """A bus, as far as its parts know it."""

    name: str
    capabilities: Capabilities
    closed: bool
    lease: float

    def shared_producer(self) -> Sender:
        """Return the producer that settling uses."""

    def remove_channel(self, topic: str, channel: str) -> None:
        """Delete a temporary channel."""


class Part(Sealed, ABC, contract=True):
    """A consumer or producer.

    Args:
        bus: The bus that made it.
        closed: Whether `close` was called.
    """

    closed = False
    _kind = "part"

    def __init__(self, bus: Owner) -> None:
        self.bus = bus

    def close(self) -> None:
        """Stop, and free what is held; may be repeated, and never hangs."""
        if not self.closed:
            self.closed = True
            self._close_once()

    def _close_once(self) -> None:
        self._close()

    def _close(self) -> None:
        """Free what this part holds; called once. Most have nothing to free."""

    def _check_open(self) -> None:
        """Refuse a call that comes after `close`, its own or that of the bus.

        Raises:
            BusClosedError: It does.
        """
        if self.closed or self.bus.closed:
            name = self.bus.name
            raise BusClosedError(f"bus '{name}': this {self._kind} is closed")
