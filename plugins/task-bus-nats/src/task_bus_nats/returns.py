"""How often what comes again was given back: the rest is a sign that it kills workers.

A server counts receipts, and does not tell why one ended. So who gives something back
writes a number down, in a stream that keeps the last one for each message.
"""

import contextlib
from collections.abc import Sequence

from task_bus_nats.errors import MissingError
from task_bus_nats.jetstream import JetStream
from task_bus_nats.link import Link
from task_core.api import BusError, Delivery

DAYS = 7 * 24 * 3600 * 1_000_000_000
"""Nanoseconds that a number is kept."""


class Returns:
    """Writes down and looks up how often messages were given back.

    Where that is not allowed, nobody knows, and each receipt counts.

    Args:
        server: Asks it.
        link: The connection.
        prefix: What the names of streams begin with.
    """

    def __init__(self, server: JetStream, link: Link, prefix: str) -> None:
        self._server = server
        self._link = link
        self._name = f"{prefix}-returned"
        self._made = False

    def note(self, deliveries: Sequence[Delivery]) -> None:
        """Write down that these are given back."""
        with contextlib.suppress(BusError):
            self._make()
            pairs = [
                (f"{self._name}.{_place(it.token)}", b"%d" % (it.returned + 1))
                for it in deliveries
            ]
            self._link.ask_all(pairs)

    def look(self, deliveries: Sequence[Delivery]) -> None:
        """Look up those that come again."""
        for one in deliveries:
            if one.attempt > 1:
                with contextlib.suppress(BusError):
                    one.returned = min(self._number(one.token), one.attempt - 1)

    def forget(self, stream: str) -> None:
        """Delete the numbers of a stream that is deleted: a new one counts anew."""
        request = {"filter": f"{self._name}.{stream}.>"}
        with contextlib.suppress(MissingError):
            self._server.call(f"STREAM.PURGE.{self._name}", request)

    def _number(self, token: bytes) -> int:
        request = {"last_by_subj": f"{self._name}.{_place(token)}"}
        answer = self._server.call(f"STREAM.MSG.GET.{self._name}", request)
        return int(self._server.body(answer))

    def _make(self) -> None:
        if not self._made:
            config = {
                "name": self._name,
                "subjects": [f"{self._name}.>"],
                "retention": "limits",
                "storage": "file",
                "discard": "old",
                "max_msgs_per_subject": 1,
                "max_age": DAYS,
            }
            self._server.call(f"STREAM.CREATE.{self._name}", config)
            self._made = True


def attempt_of(token: bytes) -> int:
    """Return the how-manyth receipt the subject of an acknowledgement tells."""
    words = token.split(b".")  # $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.ATTEMPT.…
    return int(words[4] if len(words) == 9 else words[6])


def _place(token: bytes) -> str:
    """Return stream, consumer and number of a message."""
    words = token.decode().split(".")
    at = 2 if len(words) == 9 else 4
    return f"{words[at]}.{words[at + 1]}.{words[at + 3]}"
