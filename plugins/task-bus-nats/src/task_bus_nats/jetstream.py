"""Streams and consumers of a server: its API, which is JSON on subjects."""

import base64
import json
from typing import Any

from task_bus_nats.errors import JETSTREAM, MissingError, refusal
from task_bus_nats.link import Link
from task_bus_nats.wire import status_of
from task_core.api import BusConnectionError, BusError

PAGE = 256
"""So many consumers a server lists at once, and four times as many names."""
Record = dict[str, Any]


class JetStream:
    """Asks a server.

    Args:
        link: The connection.
        domain: The domain of JetStream; empty for the server's own.
    """

    def __init__(self, link: Link, domain: str) -> None:
        self._link = link
        self.api = f"$JS.{domain}.API" if domain else "$JS.API"

    def call(self, name: str, request: Record | None = None) -> Record:
        """Ask, and return the answer.

        Raises:
            MissingError: What it is about is not there.
            BusConnectionError: It is in a cluster, and nobody answers just now.
            BusError: It refuses, or has no JetStream.
        """
        body = json.dumps(request).encode() if request else b""
        frame = self._link.ask(f"{self.api}.{name}", body)
        if status_of(frame.head) == 503:
            raise self._nobody()
        answer: Record = json.loads(frame.body)
        if "error" in answer:
            raise refusal(answer["error"], self._link.address)
        return answer

    def _nobody(self) -> BusError:
        """Return the error for a question that nobody takes."""
        at = f"NATS at {self._link.address}"
        if not self._link.in_cluster:
            return BusError(f"{at}: {JETSTREAM}")
        # One that begins lets clients in before the others let it into theirs.
        return BusConnectionError(
            f"{at}: nobody in its cluster answers for JetStream just now; where that"
            f" lasts, it {JETSTREAM}"
        )

    def stream(self, name: str) -> Record | None:
        """Return what is known of a stream, or nothing.

        Raises:
            BusConnectionError: The servers of a cluster do not agree on it just now.
        """
        try:
            return self.change("INFO", name)
        except MissingError:
            return None

    def change(self, verb: str, name: str, config: Record | None = None) -> Record:
        """Create or update a stream, or ask for it, and return what it is then.

        Raises:
            BusConnectionError: As `stream`.
        """
        answer = self.call(f"STREAM.{verb}.{name}", config)
        if "config" not in answer:  # seen while a cluster chooses a leader
            raise BusConnectionError(
                f"NATS at {self._link.address}: nobody leads stream {name} just now"
            )
        return answer

    def names(self, subject: str) -> list[str]:
        """Return the streams with such subjects."""
        found: list[str] = []
        while True:
            request = {"subject": subject, "offset": len(found)}
            answer = self.call("STREAM.NAMES", request)
            found += answer.get("streams") or ()
            if len(found) >= answer["total"] or not answer.get("streams"):
                return found

    def consumers(self, stream: str) -> list[Record]:
        """Return what is known of the consumers of a stream; none if it is missing."""
        found: list[Record] = []
        listed = 0
        while True:
            try:
                answer = self.call(f"CONSUMER.LIST.{stream}", {"offset": listed})
            except MissingError:
                return found
            page = answer.get("consumers") or ()
            found += [one for one in page if one]  # null is just being deleted (2.9)
            listed += len(page)
            if listed >= answer["total"] or not page:
                return found

    def make_consumer(self, stream: str, name: str, /, **config: Any) -> None:
        """Make a consumer, or change the one of that name."""
        config = {
            "durable_name": name,
            "ack_policy": "explicit",
            "replay_policy": "instant",
            "max_deliver": -1,
            "max_ack_pending": -1,
            **config,
        }
        request = {"stream_name": stream, "config": config}
        self.call(f"CONSUMER.DURABLE.CREATE.{stream}.{name}", request)

    @staticmethod
    def body(answer: Record) -> bytes:
        """Return the body in an answer to STREAM.MSG.GET."""
        return base64.b64decode(answer["message"].get("data") or "")

    def delete(self, kind: str, name: str) -> None:
        """Delete a `STREAM`, or a `CONSUMER`; one that is not there is no error."""
        try:
            self.call(f"{kind}.DELETE.{name}")
        except MissingError:
            pass
