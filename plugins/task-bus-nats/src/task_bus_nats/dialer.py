"""Connects to one server of those that are named, or that these know of."""

import json
import socket
import ssl
from time import monotonic
from typing import Any

import attrs

from task_bus_nats.errors import error_of
from task_bus_nats.login import login
from task_bus_nats.options import NatsOptions
from task_core.api import BusConnectionError, BusError, OptionError, addresses_of

OLDEST = (2, 9)
CHUNK = 262_144
LATE = "does not answer in time"
SILENT = (
    f"{LATE}: is that the port of its clients (4222), not that of its monitoring"
    " (8222)? If it begins with TLS: tls_first"
)
Address = tuple[str, int]
WANTS_BYTES = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
CONNECT = {
    "verbose": False,
    "pedantic": False,
    "lang": "python",
    "name": "task",
    "protocol": 1,
    "headers": True,
    "no_responders": True,
}


@attrs.frozen
class Server:
    """A connection that was let in.

    Args:
        socket: Not blocking.
        address: Who is at its other end.
        info: What it told of itself.
        rest: What came behind its greeting.
    """

    socket: Any
    address: str
    info: dict[str, Any]
    rest: bytes

    @property
    def version(self) -> tuple[int, ...]:
        """Of the server."""
        numbers = self.info.get("version", "0").partition("-")[0].split(".")
        return tuple(int(it) for it in numbers if it.isdecimal())


class Dialer:
    """Connects, for the connection of a bus.

    Args:
        options: See the manifest.

    Raises:
        OptionError: One of them is wrong.
    """

    def __init__(self, options: NatsOptions) -> None:
        self._options = options
        self.timeout = options.connect_timeout.total_seconds()
        try:
            self._named = addresses_of(options.host, options.port)
        except ValueError as error:
            raise OptionError([f"bus.nats.host: {error}"]) from None
        self._tls = _tls_of(options)
        self._told: list[Address] = []  # servers of the cluster, by what one told

    def dial(self) -> Server:
        """Connect to the first that lets us in.

        Raises:
            BusConnectionError: None can be reached.
            BusError: One refuses us.
        """
        failures = []
        for address in dict.fromkeys([*self._named, *self._told]):
            try:
                server = self._greet(address)
            except BusConnectionError as error:
                failures.append(error)
                continue
            if place := self._named.index(address) if address in self._named else 0:
                self._named = [*self._named[place:], *self._named[:place]]
            self._note(server.info)
            return server
        raise BusConnectionError("; ".join(dict.fromkeys(map(str, failures))))

    def _note(self, info: dict[str, Any]) -> None:
        """Note the other servers of the cluster."""
        try:
            urls = info.get("connect_urls") or ()
            self._told = [
                address for url in urls for address in addresses_of(url, 4222)
            ]
        except ValueError:
            self._told = []

    def _greet(self, address: Address) -> Server:
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        shown = f"{host}:{address[1]}"
        greeting = _Greeting(self._options, self._tls, shown, self.timeout)
        try:
            return greeting.run(address)
        except (OSError, ValueError) as error:
            raise self._unreached(error, shown, silent=greeting.silent) from None
        finally:
            greeting.end()

    def _unreached(self, error: Exception, shown: str, *, silent: bool) -> BusError:
        text = f"NATS at {shown}"
        if isinstance(error, ssl.SSLCertVerificationError):
            hint = "option tls_ca names who vouches for it"
            return BusError(f"{text}: is not trusted: {hint} ({error.verify_message})")
        if isinstance(error, ssl.SSLError):
            why = (error.reason or str(error)).replace("_", " ").lower()
            if "certificate required" in why or "bad certificate" in why:
                needs = "wants to know who we are: options tls_cert, tls_key"
                return BusError(f"{text}: {needs} ({why})")
            return BusConnectionError(f"{text}: TLS does not come about ({why})")
        if isinstance(error, TimeoutError):
            return BusConnectionError(f"{text}: {SILENT if silent else LATE}")
        if isinstance(error, ValueError):
            return BusError(
                f"{text}: does not speak NATS: is the port right? ({error})"
            )
        why = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        hint = "; does it run, and is the port right?" if "refused" in why else ""
        return BusConnectionError(f"{text}: cannot be reached ({why}){hint}")


class _Greeting:
    """One attempt: the first lines of a connection, and TLS."""

    def __init__(
        self,
        options: NatsOptions,
        tls: ssl.SSLContext,
        shown: str,
        timeout: float,
    ) -> None:
        self._options = options
        self._tls = tls
        self._shown = shown
        self._ends = monotonic() + timeout
        self._socket: Any = None
        self._kept = False
        self.silent = False
        """Whether somebody has taken the connection, and has said nothing."""
        self._data = b""

    def run(self, address: Address) -> Server:
        """Connect, and log in."""
        self._socket = socket.create_connection(address, self._left())
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._options.tls_first:
            self._wrap(address[0])
        self.silent = not self._options.tls_first
        info = self._info()
        if not self._options.tls_first:
            self._upgrade(info, address[0])
        words = CONNECT | login(self._options, info.get("nonce", ""))
        self._socket.settimeout(self._left())
        line = f"CONNECT {json.dumps(words)}\r\nPING\r\n"
        self._socket.sendall(line.encode())
        self._await_pong()
        server = Server(self._socket, self._shown, info, self._data)
        if server.version < OLDEST:
            told = info.get("version")
            raise BusError(
                f"NATS at {self._shown}: it is {told}, which is too old: take 2.9 or"
                " newer"
            )
        self._socket.setblocking(False)
        self._kept = True
        return server

    def end(self) -> None:
        """Close what did not come to its end."""
        if self._socket is not None and not self._kept:
            self._socket.close()

    def _info(self) -> dict[str, Any]:
        line = self._line()
        if not line.startswith(b"INFO "):
            raise ValueError(f"it begins with {line[:20]!r}")
        found: dict[str, Any] = json.loads(line[5:])
        return found

    def _upgrade(self, info: dict[str, Any], host: str) -> None:
        if info.get("tls_required") or (
            self._options.tls and info.get("tls_available")
        ):
            self._wrap(host)
        elif self._options.tls:
            text = "offers no TLS: leave out option tls, or turn it on there"
            raise BusError(f"NATS at {self._shown}: {text}")

    def _wrap(self, host: str) -> None:
        self._socket.settimeout(self._left())
        self._socket = self._tls.wrap_socket(self._socket, server_hostname=host)

    def _await_pong(self) -> None:
        while (line := self._line()) != b"PONG":
            if line.startswith(b"-ERR"):
                raise error_of(line, self._shown)

    def _line(self) -> bytes:
        while b"\r\n" not in self._data:
            if len(self._data) > CHUNK:
                raise ValueError("it does not end its lines")
            self._socket.settimeout(self._left())
            if not (data := self._socket.recv(CHUNK)):
                if not self._data:
                    raise ConnectionResetError(0, "it hung up")
                raise ValueError(f"it begins with {self._data[:20]!r}, and hangs up")
            self._data += data
            self.silent = False
        line, _, self._data = self._data.partition(b"\r\n")
        return line

    def _left(self) -> float:
        if (left := self._ends - monotonic()) <= 0:
            raise TimeoutError
        return left


def _tls_of(options: NatsOptions) -> ssl.SSLContext:
    """Return how to speak TLS, if it comes to that.

    Raises:
        OptionError: A file is not there, or is something else.
    """
    if options.tls_key and not options.tls_cert:
        raise OptionError(["bus.nats.tls_key: name its certificate, too: tls_cert"])
    try:
        context = ssl.create_default_context(cafile=options.tls_ca)
        if options.tls_cert:
            # without a password OpenSSL would ask for it at the terminal
            context.load_cert_chain(options.tls_cert, options.tls_key, password="")
    except OSError as error:
        files = (options.tls_ca, options.tls_cert, options.tls_key)
        names = ", ".join(str(file) for file in files if file)
        why = error.strerror or str(error)
        if isinstance(error, ssl.SSLError):
            why = "they are PEM, and a key has no password"
        raise OptionError([f"bus.nats.tls_ca: cannot use {names}: {why}"]) from None
    if not options.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
