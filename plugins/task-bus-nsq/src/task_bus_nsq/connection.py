"""One connection to one nsqd: nsq-py's commands, over a connection of our own.

What an nsqd sends is read here, since a delivery is made straight from the bytes.
"""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Any

from task_bus_nsq.client import FRAME_TYPE_ERROR, MAGIC_V2, Connection
from task_bus_nsq.errors import CLOSED, refusal, unreachable
from task_bus_nsq.names import Address
from task_bus_nsq.settings import Settings
from task_core.api import BusConnectionError, BusError

HEARTBEAT = b"_heartbeat_"
OK = b"\0\0\0\x06\0\0\0\0OK"
SOONEST = 25
"""Milliseconds that an nsqd holds back messages while more are asked for than it has.

Its own default is 250. Less than this it refuses, and not to buffer at all halves the
rate of small messages.
"""
_CHUNK, _LARGE_CHUNK = 65_536, 4_194_304
"""Bytes to read at once: at first, and when what was read is no whole message."""
_HEAD = struct.Struct(">ii")


class NsqdConnection(Connection):  # type: ignore[misc]
    """A connection that is made when the object is.

    nsq-py's own constructor is left out: it asks the name server who we are, and
    hides why a connection failed. Commands are gathered until `flush`.

    Args:
        address: Of the nsqd.
        settings: How to connect.
        heartbeat: Seconds between signs of life; 0 for none, which only writers may.

    Raises:
        BusConnectionError: It cannot be reached in time.
        BusError: It refuses us, or we do not trust it.
    """

    def __init__(self, address: Address, settings: Settings, heartbeat: float) -> None:
        self._reset()
        self._socket: Any = None
        self._buffer = b""
        self.address = address
        self.host, self.port = address.host, address.port
        self.max_rdy_count = 2500
        self.last_ready_sent: int = 0
        self.max_lease = float("inf")
        self.heard = monotonic()
        self._blocking = 0  # makes nsq-py gather commands
        self._settings = settings
        self._heartbeat = heartbeat
        self._using = Lock()
        self.is_tls = False
        self.connect()

    def connect(self, force: bool = False) -> bool:
        """Connect, say who we are, and log in."""
        try:
            self._dial()
            self._introduce()
            self._begin()
            self._set_patience(self._settings.answer_timeout)
        except (OSError, ValueError) as error:
            self.drop()
            raise unreachable(self.address, error) from error
        except BusError:
            self.drop()
            raise
        return True

    def _dial(self) -> None:
        address = (self.host, self.port)
        self._socket = socket.create_connection(address, self._settings.connect_timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, seconds in (("IDLE", 30), ("INTVL", 10), ("CNT", 3)):
            if (number := getattr(socket, f"TCP_KEEP{name}", None)) is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, number, seconds)

    def _introduce(self) -> None:
        tls_is_here, asks_for_login = self._negotiate()
        if self._settings.tls:
            if not tls_is_here:
                raise BusError(f"nsqd {self.address} speaks no TLS; leave out tls")
            self._socket = self._settings.tls.wrap_socket(
                self._socket, server_hostname=self.host
            )
            self.is_tls = True
            self.answer()
        if asks_for_login:
            self._log_in()

    def _negotiate(self) -> tuple[bool, bool]:
        """Tell it who we are, and return whether it can TLS, and wants a login."""
        self._pending.append(MAGIC_V2)
        self.identify(self._identity())
        try:
            answer = json.loads(self.answer())
            self.max_rdy_count = answer["max_rdy_count"]
            self.max_lease = answer["max_msg_timeout"] / 1000
            return answer["tls_v1"], answer["auth_required"]
        except (ConnectionError, ValueError, LookupError, TypeError) as error:
            is_cut = isinstance(error, ConnectionError)
            if is_cut and not self._buffer.startswith(b"HTTP"):
                raise
            raise BusError(
                f"{self.address} does not answer as an nsqd does; is {self.port} the"
                " port of an nsqd's TCP protocol?"
            ) from error

    def _begin(self) -> None:
        """Do what is to be done before anything else."""

    def _identity(self) -> dict[str, Any]:
        name = socket.gethostname()
        identity = {
            "client_id": name.partition(".")[0],
            "hostname": name,
            "user_agent": f"task-bus-nsq {self.USER_AGENT}",
            "feature_negotiation": True,
            "heartbeat_interval": round(self._heartbeat * 1000) or -1,
            "tls_v1": self._settings.tls is not None,
            "output_buffer_timeout": SOONEST,
        }
        if self._heartbeat:
            identity["msg_timeout"] = round(self._settings.lease * 1000)
        return identity

    def _log_in(self) -> None:
        login = self._settings.login
        if not login.secret:
            raise BusError(
                f"nsqd {self.address} asks for a login; set the option auth_secret"
            )
        self.auth(login.secret.encode())
        self.answer()
        login.worked = True

    def _set_patience(self, seconds: float) -> None:
        """Let the kernel end what takes too long: Python's timeout polls each time.

        With TLS it is Python's, which would wait on after the kernel's.
        """
        self._socket.settimeout(seconds if self.is_tls else None)
        if self.is_tls:
            return
        value = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        for name in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, name, value)

    def fileno(self) -> int:
        """Return the number of the socket, for `poll`."""
        number: int = self._socket.fileno()
        return number

    def dpub(self, topic: bytes, milliseconds: int, body: bytes) -> None:
        """Publish to a topic, to arrive later; nsq-py does not know it."""
        self.send(b"DPUB %b %d" % (topic, milliseconds), body)

    def flush(self) -> None:
        """Send all commands that were gathered, whole (any thread).

        Raises:
            OSError: The connection is lost.
        """
        with self._using:
            self._send_pending()

    def _send_pending(self) -> None:
        if pending := self._pending:
            data = b"".join([pending.popleft() for _ in range(len(pending))])
            self._socket.sendall(data)

    def answer(self) -> bytes:
        """Send what was gathered, and wait for one answer.

        Raises:
            OSError: There is none in time, or the connection is lost.
            RefusalError: It is an error.
        """
        with suppress(ConnectionError):  # what it said before it closed is still here
            self.flush()
        while True:
            for kind, data in self.frames():
                if data == HEARTBEAT:
                    self.nop()
                    continue
                if kind == FRAME_TYPE_ERROR:
                    raise self.refusal(data)
                return data
            self.read()
            if self._buffer == OK:  # most often, and alone
                self._buffer = b""
                return b"OK"

    def refusal(self, data: bytes) -> BusError:
        """Return the error that an answer stands for."""
        if self._settings.login.worked and data.startswith(b"E_AUTH_FAILED"):
            return BusConnectionError(
                f"nsqd {self.address}: it took the auth_secret before, and does not"
                " now: its auth server does not answer"
            )
        return refusal(self.address, data)

    def read(self) -> None:
        """Read once; waits when there is nothing.

        Raises:
            OSError: The connection is lost.
        """
        size = _LARGE_CHUNK if self._buffer else _CHUNK
        data = self._read_tls(size) if self.is_tls else self._socket.recv(size)
        if not data:
            raise ConnectionResetError(0, CLOSED)
        self.heard = monotonic()
        self._buffer = self._buffer + data if self._buffer else data

    def _read_tls(self, size: int) -> bytes:
        with self._using:  # two threads must not use one TLS connection
            data: bytes = self._socket.recv(size)
            while data and self._socket.pending():  # what `poll` cannot see
                data += self._socket.recv(_CHUNK)
        return data

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Take whole frames out of what was read: kind and content."""
        while len(self._buffer) >= 8:
            size, kind = _HEAD.unpack_from(self._buffer)
            if len(self._buffer) < size + 4:
                return
            data = self._buffer[8 : size + 4]
            self._buffer = self._buffer[size + 4 :]
            yield kind, data

    def cut(self) -> None:
        """End the connection, so that whoever reads from it finds out (any thread)."""
        if (connection := self._socket) is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close without a word; may be repeated."""
        if self._socket is None:
            return
        self.cut()  # ends a write that hangs in another thread
        with self._using:  # a number that is in use must not become another's
            self._socket.close()
            self._socket = None
