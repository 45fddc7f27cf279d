"""The connection: what is written, what comes, and answers to what was asked."""

import os
import select
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from task_bus_nats.dialer import CHUNK, WANTS_BYTES, Dialer, Server
from task_bus_nats.errors import error_of
from task_bus_nats.wire import Frame, Parser, pub
from task_core.api import BusConnectionError, BusError, Event, Waker

ANSWERS = b"1"
"""The number of the subscription that answers come for."""
PAYLOAD = 1_048_576
"""Bytes that a server takes which does not say how many."""
IDLE = 1.0
"""After so many seconds of silence the server may have hung up."""


class Link:
    """A connection that is made when it is needed, and made anew when it was lost.

    All that is asked is answered before something else is asked.

    Args:
        dialer: Connects.
        number: Grows with each connection: subscriptions end with it.
        inbox: What the subjects of answers begin with.
        max_payload: Bytes of headers and body that the server takes.
    """

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._server: Server | None = None
        self._socket: Any = None
        self._fd = -1
        self._pending: Callable[[], int] = int
        self._poll = select.poll()
        self._parser = Parser()
        self._pongs = 0
        self._sids = 1
        self._asked = 0
        self._used_at = 0.0
        self.number = 0
        self.inbox = ""
        self.max_payload = PAYLOAD
        self.frames: deque[Frame] = deque()

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as we know."""
        return self._server is not None

    @property
    def version(self) -> tuple[int, ...]:
        """Of the server."""
        return self._server.version if self._server else ()

    @property
    def in_cluster(self) -> bool:
        """Whether the server is one of several."""
        return self._server is not None and bool(self._server.info.get("cluster"))

    @property
    def address(self) -> str:
        """Who is at the other end."""
        return self._server.address if self._server else ""

    @property
    def timeout(self) -> float:
        """Seconds that an answer may take."""
        return self._dialer.timeout

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
            self._server = self._dialer.dial()
            self._socket = self._server.socket
            self._fd = self._socket.fileno()
            # Only TLS keeps bytes that a poll does not see; else there are none: 0.
            self._pending = getattr(self._socket, "pending", int)
            self._poll = select.poll()
            self._poll.register(self._fd, select.POLLIN)
            self._parser = Parser()
            self.frames = self._parser.frames
            self._pongs = self._asked = 0
            self.number += 1
            self.max_payload = int(self._server.info.get("max_payload", PAYLOAD))
            self.inbox = f"_INBOX.{os.urandom(8).hex()}"
            self._parser.feed(self._server.rest)
            self.write(f"SUB {self.inbox}.* {ANSWERS.decode()}\r\n".encode())

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

    def flush(self, seconds: float | None = None) -> None:
        """Return when the server has read all that was written.

        Args:
            seconds: How long that may take; as for all answers if not given.

        Raises:
            BusError: The connection is lost, or something was refused.
        """
        self.write(b"PING\r\n")
        pongs, deadline = self._pongs, monotonic() + (seconds or self.timeout)
        while self._pongs == pongs:
            self._await(deadline)

    def take(
        self, count: int, sid: bytes = ANSWERS, *, ends: bool = False
    ) -> list[Frame]:
        """Return so many frames of a subscription, answers if none is named.

        Args:
            count: How many.
            sid: The number of the subscription.
            ends: A frame that wants no reply is the last.

        Raises:
            BusConnectionError: They do not come in time; later they are for nobody.
        """
        found: list[Frame] = []
        frames, deadline = self.frames, monotonic() + self.timeout
        while len(found) < count:
            if not frames:
                self._await(deadline)
                continue
            frame = frames.popleft()
            if frame[1] == sid:
                found.append(frame)
                if ends and not frame[2]:
                    break
        if sid is ANSWERS:  # all are here, as nothing else is asked meanwhile
            self._asked = 0
        return found

    def wait(self, waker: Waker, seconds: float) -> Event:
        """Wait until something has come, which need not be a whole frame."""
        if self.frames:
            return Event.READY
        if not self._pending():
            event = waker.wait(seconds, self._fd)
            if event is not Event.READY:
                return event
        self._read()
        return Event.READY

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            BusConnectionError: The connection is lost.
        """
        try:
            sent = self._socket.send(data)
        except WANTS_BYTES:
            sent = 0
        except OSError as error:
            raise self._lost(error) from None
        if sent < len(data):
            self._write_rest(memoryview(data)[sent:])

    def drop(self) -> None:
        """Close the connection."""
        server, self._server = self._server, None
        if server is not None:
            server.socket.close()

    def _write_rest(self, data: memoryview) -> None:
        deadline = monotonic() + self.timeout
        while data:
            self._await_room(deadline)
            try:
                data = data[self._socket.send(data) :]
            except WANTS_BYTES:
                continue
            except OSError as error:
                raise self._lost(error) from None

    def _await(self, deadline: float) -> None:
        """Read what comes."""
        try:
            if self._pending() or self._ready(deadline):
                self._read()
        except BusError:
            raise
        except BaseException:
            self.drop()  # an answer is on its way to nobody
            raise

    def _await_room(self, deadline: float) -> None:
        """Return when one can write; read what comes meanwhile."""
        self._poll.modify(self._fd, select.POLLIN | select.POLLOUT)
        try:
            self._await(deadline)
        finally:
            if self._server is not None:
                self._poll.modify(self._fd, select.POLLIN)

    def _ready(self, deadline: float) -> bool:
        """Wait; return whether there is something to read."""
        found = self._poll.poll(max(0.0, deadline - monotonic()) * 1000)
        if not found:
            raise self._lost(TimeoutError(0, "no answer in time"))
        return bool(found[0][1] != select.POLLOUT)

    def _read_all(self) -> None:
        while self._poll.poll(0):
            self._read()
        self.frames.clear()

    def _read(self) -> None:
        """Read what is there; raise if the connection is lost, or an error is told."""
        try:
            data = self._socket.recv(CHUNK)
        except WANTS_BYTES:
            return
        except OSError as error:
            raise self._lost(error) from None
        if not data:
            raise self._lost(ConnectionResetError(0, "it hung up"))
        self._parser.feed(data)
        if self._parser.lines:
            self._obey()

    def _obey(self) -> None:
        """Do what the lines say that came between frames."""
        lines = self._parser.lines[:]
        self._parser.lines.clear()
        for line in lines:
            if line == b"PING":
                self.write(b"PONG\r\n")
            elif line == b"PONG":
                self._pongs += 1
            elif line.startswith(b"-ERR"):
                error = error_of(line, self.address)
                self.drop()
                raise error

    def _lost(self, error: OSError) -> BusConnectionError:
        why = error.strerror or str(error)
        told = f"NATS at {self.address}: the connection is lost ({why})"
        self.drop()
        return BusConnectionError(told)
