"""How often what comes again was given back: the rest is a sign that it kills workers.

A server counts receipts, and does not tell why one ended. So who gives something back
writes a number down, in a stream that keeps the last one for each message.
"""

import json
from collections.abc import Sequence

from task_bus_nats.errors import MissingError, refusal
from task_bus_nats.jetstream import JetStream
from task_bus_nats.link import Link
from task_bus_nats.options import NatsOptions
from task_bus_nats.wire import Frame, status_of
from task_core.api import BusConnectionError, BusError, Delivery

DAYS = 7 * 24 * 3600 * 1_000_000_000
"""Nanoseconds that a number is kept."""
MOST = 1_000_000
"""Numbers that are kept."""


class Returns:
    """Writes down and looks up how often messages were given back.

    Where that is not allowed, nobody knows.

    Args:
        server: Where its API is.
        link: The connection.
        options: See the manifest.
    """

    def __init__(self, server: JetStream, link: Link, options: NatsOptions) -> None:
        self._server = server
        self._link = link
        self._name = f"{options.prefix}-returned"
        self._replicas = options.replicas
        self._allowed = True

    def note(self, deliveries: Sequence[Delivery]) -> None:
        """Write down that these are given back; all at once.

        What could not be looked up keeps its number: one that begins anew would make
        losses of all that came before.
        """
        numbers = [
            (self._subject(one), b"%d" % (one.returned + 1))
            for one in deliveries
            if not one.unsure
        ]
        if numbers and any(status_of(it.head) == 503 for it in self._ask(numbers)):
            self._make()
            self._ask(numbers)

    def look(self, deliveries: Sequence[Delivery]) -> None:
        """Look up those that come again; all at once."""
        again = [one for one in deliveries if one.attempt > 1]
        requests = [
            self._request("MSG.GET", last_by_subj=self._subject(one)) for one in again
        ]
        numbers = [self._number(it) for it in self._ask(requests)]
        for one, number in zip(again, numbers or [None] * len(again), strict=True):
            if number is None:
                one.unsure = one.attempt - 1
            else:
                one.returned = min(number, one.attempt - 1)

    def forget(self, stream: str, consumer: str = "*") -> None:
        """Delete the numbers of a channel, or of a topic: a new one counts anew."""
        place = f"{self._name}.{stream}.{consumer}.*"
        self._ask([self._request("PURGE", filter=place)])

    def _number(self, answer: Frame) -> int | None:
        """Return what is written down, 0 if nothing is; None if nobody could tell."""
        found = json.loads(answer.body or b"{}")
        if "message" in found:
            number = self._server.body(found)
            return int(number) if number.isdigit() else 0
        error = refusal(found.get("error") or {}, "")
        return 0 if isinstance(error, MissingError) else None

    def _make(self) -> None:
        config = {
            "name": self._name,
            "subjects": [f"{self._name}.>"],
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "max_msgs_per_subject": 1,
            "max_msgs": MOST,
            "max_age": DAYS,
            "num_replicas": self._replicas,
        }
        self._ask([self._request("CREATE", **config)])

    def _request(self, verb: str, **request: object) -> tuple[str, bytes]:
        subject = f"{self._server.api}.STREAM.{verb}.{self._name}"
        return subject, json.dumps(request).encode()

    def _ask(self, questions: Sequence[tuple[str, bytes]]) -> Sequence[Frame]:
        """Return the answers; none where we may not ask, and then never again.

        Each refusal would cost a connection.
        """
        if not self._allowed:
            return ()
        try:
            return self._link.ask_all(questions)
        except BusConnectionError:
            return ()
        except BusError:
            self._allowed = False
            return ()

    def _subject(self, delivery: Delivery) -> str:
        """Return where the number of a message is."""
        words = delivery.token.decode().split(".")
        at = 2 if len(words) == 9 else 4
        return f"{self._name}.{words[at]}.{words[at + 1]}.{words[at + 3]}"


def attempt_of(token: bytes) -> int:
    """Return the how-manyth receipt the subject of an acknowledgement tells."""
    words = token.split(b".")  # $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.ATTEMPT.…
    return int(words[4] if len(words) == 9 else words[6])


def position_of(token: bytes) -> bytes:
    """Return the number in the stream that it tells."""
    words = token.split(b".")
    return words[5] if len(words) == 9 else words[7]
