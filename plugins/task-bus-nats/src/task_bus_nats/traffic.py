"""What goes over a connection, and what comes: bytes, and lines about itself."""

import select
from collections import deque
from collections.abc import Callable
from typing import Any

from task_bus_nats.dialer import CHUNK, WANTS_BYTES, Server
from task_bus_nats.errors import error_of
from task_bus_nats.wire import Frame, Parser
from task_core.api import BusConnectionError, BusError, Event, Waker


class Traffic:
    """Writes whole messages, and cuts what comes into frames.

    Whoever waits is patient as long as something comes, or goes: a slow line is none
    that is lost.

    Args:
        timeout: Seconds that the server may be silent while something is expected.
        frames: What came, and nobody has taken yet.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.frames: deque[Frame] = deque()
        self._server: Server | None = None
        self._socket: Any = None
        self._fd = -1
        self._pending: Callable[[], int] = int
        self._poll = select.poll()
        self._parser = Parser()
        self._pongs = 0
        self._owed: bytearray | None = None  # for behind a message that is on its way

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as we know."""
        return self._server is not None

    @property
    def address(self) -> str:
        """Who is at the other end."""
        return self._server.address if self._server else ""

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

    def flush(self, seconds: float | None = None) -> None:
        """Return when the server has read all that was written.

        Args:
            seconds: How long it may be silent; as for all answers if not given.

        Raises:
            BusError: The connection is lost, or something was refused.
        """
        self.write(b"PING\r\n")
        pongs = self._pongs
        while self._pongs == pongs:
            self._await(seconds or self.timeout)

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

    def drop(self) -> None:
        """Close the connection."""
        server, self._server = self._server, None
        if server is not None:
            server.socket.close()

    def _begin(self, server: Server) -> None:
        """Use a connection that was made."""
        self._server = server
        self._socket = server.socket
        self._fd = server.socket.fileno()
        # Only TLS keeps bytes that a poll does not see; else there are none: 0.
        self._pending = getattr(server.socket, "pending", int)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._parser = Parser()
        self.frames = self._parser.frames
        self._pongs = 0
        self._parser.feed(server.rest)

    def _write_rest(self, data: memoryview) -> None:
        """Write what there was no room for; read what comes meanwhile."""
        self._owed = owed = bytearray()
        self._poll.modify(self._fd, select.POLLIN | select.POLLOUT)
        try:
            while data:
                self._await(self.timeout)
                try:
                    data = data[self._socket.send(data) :]
                except WANTS_BYTES:
                    continue
                except OSError as error:
                    raise self._lost(error) from None
        except BaseException:
            self.drop()  # what is written next would stand in a message cut short
            raise
        finally:
            self._owed = None
            self._poll.modify(self._fd, select.POLLIN)
        if owed:
            self.write(bytes(owed))

    def _await(self, seconds: float) -> None:
        """Read what comes; there must be something in so many seconds."""
        try:
            if self._pending() or self._ready(seconds):
                self._read()
        except BusError:
            raise
        except BaseException:
            self.drop()  # an answer is on its way to nobody
            raise

    def _ready(self, seconds: float) -> bool:
        """Wait; return whether there is something to read, or room alone."""
        found = self._poll.poll(seconds * 1000)
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
                self._owe(b"PONG\r\n")
            elif line == b"PONG":
                self._pongs += 1
            elif line.startswith(b"-ERR"):
                error = error_of(line, self.address)
                self.drop()
                raise error

    def _owe(self, words: bytes) -> None:
        """Write something, but never into the middle of a message."""
        if self._owed is None:
            self.write(words)
        else:
            self._owed += words

    def _lost(self, error: OSError) -> BusConnectionError:
        why = error.strerror or str(error)
        told = f"NATS at {self.address}: the connection is lost ({why})"
        self.drop()
        return BusConnectionError(told)
