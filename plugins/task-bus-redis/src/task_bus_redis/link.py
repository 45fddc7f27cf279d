"""One connection: commands, scripts, and answers that are waited for elsewhere."""

from collections.abc import Sequence
from typing import Any

from redis import Connection, exceptions
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.retry import Retry

from task_bus_redis.errors import ScriptMissingError, error_of
from task_bus_redis.options import RedisOptions, database
from task_bus_redis.scripts import Script
from task_core.api import BusConnectionError

FAILURES = (exceptions.RedisError, OSError)
"""What the client raises."""


class Link:
    """A connection that is made when it is needed, and made anew when it was lost.

    redis-py is used at the level of its connections: it repeats nothing by itself,
    since what is repeated unseen is a duplicate.

    Args:
        options: See the manifest.
    """

    def __init__(self, options: RedisOptions) -> None:
        self._options = options
        self._connection: Any = None
        self._known: set[bytes] = set()  # scripts that this server has
        self.id = 0
        """The server's number of this connection."""

    @property
    def address(self) -> str:
        """Who is asked."""
        return f"{self._options.host}:{self._options.port}"

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as we know."""
        return self._connection is not None

    def connect(self) -> None:
        """Connect, unless there is a connection.

        Raises:
            BusConnectionError: The server cannot be reached.
            BusError: It does not let us in.
        """
        if self._connection is not None:
            return
        connection = self._make()
        try:
            connection.connect()
            connection.send_command("CLIENT", "ID")
            self.id = connection.read_response()
        except FAILURES as error:
            connection.disconnect()
            raise error_of(error, self.address) from None
        self._connection = connection
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
                return self.call("EVALSHA", script.digest, 1, key, *words)
            except ScriptMissingError:
                self._known.clear()
        raise BusConnectionError(f"Redis at {self.address} forgets scripts at once")

    def ask(self, *words: Any) -> None:
        """Send a command; `answer` is to follow."""
        try:
            self._connection.send_packed_command(
                self._connection.pack_command(*words), check_health=False
            )
        except FAILURES as error:
            self.drop()
            raise error_of(error, self.address) from None

    def answer(self) -> Any:
        """Return the answer to the last command."""
        try:
            return self._connection.read_response(disable_decoding=True)
        except exceptions.ResponseError as error:
            raise error_of(error, self.address) from None
        except FAILURES as error:
            self.drop()
            raise error_of(error, self.address) from None
        except BaseException:  # an answer is on its way to nobody
            self.drop()
            raise

    def fileno(self) -> int:
        """Return the descriptor that is readable when an answer comes."""
        number: int = self._connection._sock.fileno()
        return number

    def drop(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def _make(self) -> Any:
        options = self._options
        seconds = options.connect_timeout.total_seconds()
        arguments: dict[str, Any] = {
            "host": options.host,
            "port": options.port,
            "db": database(options),
            "username": options.username or None,
            "password": options.password or None,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "retry_on_timeout": False,
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "socket_keepalive": True,
            "client_name": "task",
        }
        kind: Any = Connection  # not typed in every version
        if options.tls:
            kind = SSLConnection
            arguments |= _tls(options)
        return kind(**arguments)


def _tls(options: RedisOptions) -> dict[str, Any]:
    files: Sequence[tuple[str, Any]] = (
        ("ssl_ca_certs", options.tls_ca),
        ("ssl_certfile", options.tls_cert),
        ("ssl_keyfile", options.tls_key),
    )
    return {
        "ssl_cert_reqs": "required" if options.tls_verify else "none",
        "ssl_check_hostname": options.tls_verify,
        **{name: str(path) for name, path in files if path},
    }
