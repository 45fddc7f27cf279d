"""One connection: commands, scripts, and answers that are waited for elsewhere."""

from select import POLLIN, poll
from time import monotonic
from typing import Any

from hiredis import Reader, pack_command
from redis import exceptions

from task_bus_redis.dialer import FAILURES, Dialer, Server
from task_bus_redis.errors import ElsewhereError, ScriptMissingError, error_of
from task_bus_redis.scripts import Script
from task_core.api import BusConnectionError

IDLE = 1.0
"""After so many seconds of silence the server may have hung up, as many do at night."""
AT_ONCE = 65536
"""So many bytes of an answer are read at most at a time."""


class Link:
    """A connection that is made when it is needed, and made anew when it was lost.

    redis-py connects and logs in. Then the socket is ours, with hiredis, for speed:
    nothing is repeated, since what is repeated unseen is a duplicate.

    Args:
        dialer: Connects.
    """

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._server: Server | None = None
        self._socket: Any = None
        self._reader: Any = None
        self._known: set[bytes] = set()  # scripts that this server has
        self._used_at = 0.0

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as we know."""
        return self._server is not None

    @property
    def id(self) -> int:
        """The server's number of this connection."""
        return self._server.id if self._server else 0

    def connect(self) -> None:
        """Connect, unless there is a connection that lives.

        Raises:
            BusConnectionError: The server cannot be reached.
            BusError: It does not let us in.
        """
        now = monotonic()
        if self._server and now - self._used_at > IDLE and self._is_over():
            self.drop()
        self._used_at = now
        if self._server is None:
            self._server = self._dialer.dial()
            self._socket = self._server.connection._sock
            self._reader = Reader(
                protocolError=exceptions.InvalidResponse, replyError=_refused
            )
            self._known.clear()

    def call(self, *words: Any) -> Any:
        """Send a command and return the answer.

        Raises:
            BusError: As `connect`, or the server refuses.
        """
        self.connect()
        self.ask(*words)
        return self.answer()

    def run(self, script: Script, key: str, *words: Any) -> Any:
        """Run a script in the server.

        Raises:
            BusError: As `call`.
        """
        self.connect()
        for _ in range(2):  # somebody may have flushed the scripts
            if script.digest not in self._known:
                self.call("SCRIPT", "LOAD", script.source)
                self._known.add(script.digest)
            try:
                self.ask("EVALSHA", script.digest, 1, key, *words)
                return self.answer()
            except ScriptMissingError:
                self._known.clear()
        raise BusConnectionError("Redis forgets scripts at once")

    def ask(self, *words: Any) -> None:
        """Send a command; `answer` is to follow."""
        data = pack_command(words)
        try:
            # Not `sendall`, whose time counts for all of it, however long that is.
            sent = self._socket.send(data)
            while sent < len(data):
                sent += self._socket.send(memoryview(data)[sent:])
        except FAILURES as error:
            raise self._lost(error) from None
        except BaseException:  # part of a command may have left
            self.drop()
            raise

    def answer(self) -> Any:
        """Return the answer to the last command."""
        try:
            while (answer := self._reader.gets()) is False:
                self._reader.feed(self._received())
        except FAILURES as error:
            raise self._lost(error) from None
        except BaseException:  # an answer is on its way to nobody
            self.drop()
            raise
        if isinstance(answer, exceptions.ResponseError):
            if isinstance(told := error_of(answer, self._address), ElsewhereError):
                self.drop()
            raise told
        return answer

    def _received(self) -> bytes:
        data: bytes = self._socket.recv(AT_ONCE)
        if not data:
            raise ConnectionError("Connection closed by server.")
        return data

    def fileno(self) -> int:
        """Return the descriptor that is readable when an answer comes."""
        number: int = self._socket.fileno()
        return number

    def drop(self) -> None:
        """Close the connection."""
        server, self._server, self._socket = self._server, None, None
        if server is not None:
            server.connection.disconnect()

    def _is_over(self) -> bool:
        """Whether the other end hung up while nobody asked it for anything."""
        heard = poll()
        heard.register(self._socket, POLLIN)
        return bool(heard.poll(0))

    @property
    def _address(self) -> str:
        return self._server.address if self._server else ""

    def _lost(self, error: Exception) -> Exception:
        told = error_of(error, self._address)
        self.drop()
        return told


def _refused(text: str) -> Exception:
    """Return the error of an answer, with its code where it has one of its own."""
    return exceptions.ResponseError(text.removeprefix("ERR "))
