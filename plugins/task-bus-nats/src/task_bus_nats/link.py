"""The connection: made when it is needed; answers to what was asked."""

import os
from collections.abc import Callable, Sequence
from time import monotonic

from task_bus_nats.dialer import Dialer
from task_bus_nats.traffic import Traffic
from task_bus_nats.wire import Frame, pub
from task_core.api import BusConnectionError, BusError

ANSWERS = b"1"
"""The number of the subscription that answers come for."""
PAYLOAD = 1_048_576
"""Bytes that a server takes which does not say how many."""
IDLE = 1.0
"""After so many seconds of silence the server may have hung up."""
FRESH = 1.0
"""For so many seconds an attempt that failed is worth no other one."""


class Link(Traffic):
    """A connection that is made when it is needed, and made anew when it was lost.

    All that is asked is answered before something else is asked.

    Args:
        dialer: Connects.
        number: Grows with each connection: subscriptions end with it.
        inbox: What the subjects of answers begin with.
        max_payload: Bytes of headers and body that the server takes.
        on_begin: Called with each connection that was made.
    """

    def __init__(self, dialer: Dialer) -> None:
        super().__init__(dialer.timeout)
        self._dialer = dialer
        self._sids = 1
        self._asked = 0
        self._used_at = 0.0
        self._failure: tuple[BusError, float] | None = None
        self.number = 0
        self.inbox = ""
        self.max_payload = PAYLOAD
        self.on_begin: Callable[[], object] | None = None

    @property
    def version(self) -> tuple[int, ...]:
        """Of the server."""
        return self._server.version if self._server else ()

    @property
    def in_cluster(self) -> bool:
        """Whether the server is one of several."""
        return self._server is not None and bool(self._server.info.get("cluster"))

    def try_now(self) -> None:
        """Connect; when that fails, it is told at the first use, if that comes soon.

        Else who is silent would have to be given up twice.
        """
        try:
            self.connect()
        except BusError as error:
            self._failure = error, monotonic()

    def connect(self) -> None:
        """Connect, unless there is a connection that lives.

        Raises:
            BusConnectionError: No server can be reached.
            BusError: One does not let us in.
        """
        now = monotonic()
        if self._asked:  # an interrupt came: the answers would be for somebody else
            self.drop()
        if self._server is not None and now - self._used_at > IDLE:
            try:
                self._read_all()
            except BusConnectionError:
                pass  # it hung up while nobody asked it for anything
        self._used_at = now
        if self._server is None:
            self._raise_failure(now)
            server = self._dialer.dial()
            self._begin(server)
            self._asked = 0
            self.number += 1
            self.max_payload = int(server.info.get("max_payload", PAYLOAD))
            self.inbox = f"_INBOX.{os.urandom(8).hex()}"
            self.write(f"SUB {self.inbox}.* {ANSWERS.decode()}\r\n".encode())
            if self.on_begin:
                self.on_begin()

    def _raise_failure(self, now: float) -> None:
        failure, self._failure = self._failure, None
        if failure and now - failure[1] < FRESH:
            raise failure[0]

    def new_inbox(self) -> tuple[bytes, bytes]:
        """Return number and subject of a new subscription, for the caller to make."""
        self._sids += 1
        return b"%d" % self._sids, b"%b-%d" % (self.inbox.encode(), self._sids)

    def reserve(self, count: int) -> int:
        """Return the first of so many numbers, each to follow `inbox` and a dot.

        They begin with 0 when all is answered: a server looks long for whom a subject
        is that it meets for the first time.
        """
        first = self._asked
        self._asked += count
        return first

    def ask(self, subject: str, body: bytes = b"") -> Frame:
        """Send, and return the answer.

        Raises:
            BusError: As `connect`; or no answer comes, or we may not ask.
        """
        return self.ask_all([(subject, body)])[0]

    def ask_all(self, questions: Sequence[tuple[str, bytes]]) -> list[Frame]:
        """Send all, and return all answers, in the order of the questions.

        Raises:
            BusError: As `ask`.
        """
        self.connect()
        first = self.reserve(len(questions))
        self.write(
            b"".join(
                pub(subject, f"{self.inbox}.{at}", body)
                for at, (subject, body) in enumerate(questions, first)
            )
        )
        cut = len(self.inbox) + 1
        return sorted(self.take(len(questions)), key=lambda it: int(it.subject[cut:]))

    def take(
        self, count: int, sid: bytes = ANSWERS, *, ends: bool = False
    ) -> list[Frame]:
        """Return so many frames of a subscription, answers if none is named.

        Args:
            count: How many.
            sid: The number of the subscription.
            ends: A frame that wants no reply is the last.

        Raises:
            BusConnectionError: Nothing comes in time; later they are for nobody.
        """
        found: list[Frame] = []
        frames = self.frames
        while len(found) < count:
            if not frames:
                self._await(self.timeout)
                continue
            frame = frames.popleft()
            if frame[1] == sid:
                found.append(frame)
                if ends and not frame[2]:
                    break
        if sid is ANSWERS:  # all are here, as nothing else is asked meanwhile
            self._asked = 0
        return found
