"""The contract of a producer: it writes messages to topics."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from task_core.api.capabilities import require
from task_core.api.message import Message, check_messages
from task_core.api.part import Part


class Producer(Part, contract=True):
    """Writes messages to topics. Authors fill in `_send`, and `_close` if need be.

    Args:
        bus: The bus that made it.
    """

    _kind = "producer"

    def send(self, messages: Sequence[Message]) -> None:
        """Send, and return when the broker has confirmed all of them.

        Raises:
            UnsupportedCapabilityError: A message asks for what the bus cannot do.
            PayloadError: The bus can never carry some messages; it tells which, and
                nothing was sent.
            SendError: Some were not confirmed; it tells which.
            BusConnectionError: The broker cannot be reached; nothing was sent.
            BusClosedError: `close` was called before.
        """
        self._check_open()
        if messages:
            check_messages(self.bus, messages)
            self._send(messages)

    def send_within(self, messages: Sequence[Message], connection: Any) -> None:
        """Send within the transaction of another connection (capability `outbox`).

        Args:
            messages: What to send.
            connection: The caller's, to the same database; it is neither committed nor
                closed here.

        Raises:
            PayloadError: As `send`.
            SendError: The database refuses; the transaction is to be rolled back.
            BusError: It is no such connection.
        """
        self._check_open()
        require(self.bus.capabilities, "outbox", self.bus.name)
        if messages:
            check_messages(self.bus, messages)
            self._send_within(messages, connection)

    def prepare(self, topics: Sequence[str]) -> None:
        """Check or create topics before any work is done for them.

        Raises:
            BusError: One of them cannot be written.
        """
        self._check_open()
        self._prepare(topics)

    @abstractmethod
    def _send(self, messages: Sequence[Message]) -> None:
        """Send at least one message, each checked; return once all are confirmed."""

    def _send_within(self, messages: Sequence[Message], connection: Any) -> None:
        """Send over a connection of the caller's (with capability `outbox`)."""
        raise NotImplementedError(f"{type(self).__name__}._send_within")

    def _prepare(self, topics: Sequence[str]) -> None:
        """Check or create topics; brokers that make them on first use need none."""
