"""Finds the server that takes what is written, and connects to it."""

import logging
import re
from collections.abc import Sequence
from typing import Any

import attrs
from redis import Connection, exceptions
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.retry import Retry

from task_bus_redis.errors import error_of
from task_bus_redis.options import SENTINEL, RedisOptions, database
from task_core.api import BusConnectionError, BusError, addresses_of

FAILURES = (exceptions.RedisError, OSError)
"""What the client raises."""
OLDEST = (6, 2)
HOPS = 5
"""So many nodes of a cluster may send us on."""
OTHERWISE = ("closed by server", "reset by peer", "WRONG_VERSION", "RECORD_LAYER")
"""What is said where one side speaks TLS and the other does not."""
MOVED = re.compile(r"(?:MOVED )?\d+ (\S*):(\d+)$")
"""What a node answers; newer clients take the first word away."""
Address = tuple[str, int]
_log = logging.getLogger("task.bus.redis")


@attrs.frozen
class Server:
    """A connection that was let in.

    Args:
        connection: Of redis-py.
        address: Who is at its other end.
        id: The server's number of the connection.
        mode: What it says that it is: `standalone`, `cluster` or `sentinel`.
        role: Whether it is `master` or `replica`.
        version: Of the server.
    """

    connection: Any
    address: str
    id: int
    mode: str
    role: str
    version: str


class Dialer:
    """Connects, for all connections of a bus.

    Args:
        options: See the manifest.
        key: A key of ours: in a cluster, that of the node to talk to.
    """

    def __init__(self, options: RedisOptions, key: str) -> None:
        self._options = options
        self._key = key
        self._warned = False

    def dial(self) -> Server:
        """Connect to the server that takes what is written.

        Raises:
            BusConnectionError: It cannot be reached, or nobody is it just now.
            BusError: It does not let us in, or cannot do what we need.
        """
        address = self._options.host, self._options.port
        if self._options.sentinel:
            address = self._ask_sentinels()
        for _ in range(HOPS):
            server = self._greet(address)
            try:
                moved = self._look(server)
            except FAILURES as error:
                server.connection.disconnect()
                raise error_of(error, server.address) from None
            except BaseException:
                server.connection.disconnect()
                raise
            if moved is None:
                return server
            server.connection.disconnect()
            address = moved
        raise BusConnectionError(f"Redis at {server.address}: moves its keys just now")

    def _look(self, server: Server) -> Address | None:
        """Return whom to ask in its place, or nothing if it is the right one."""
        self._check(server)
        moved = self._moved(server)
        if moved is None:
            self._warn(server)
        return moved

    def _greet(self, address: Address) -> Server:
        shown = f"{address[0]}:{address[1]}"
        connection = _connection(
            self._options,
            address,
            db=database(self._options.db),
            username=self._options.username or None,
            password=self._options.password or None,
        )
        try:
            connection.connect()
            answer = _call(connection, "HELLO", 2)
        except FAILURES as error:
            connection.disconnect()
            raise _unreached(error, shown, tls=self._options.tls) from None
        told = dict(zip(answer[::2], answer[1::2], strict=True))
        words = (b"mode", b"role", b"version")  # a sentinel has no role
        mode, role, version = (told.get(word, b"").decode() for word in words)
        return Server(connection, shown, told[b"id"], mode, role, version)

    def _check(self, server: Server) -> None:
        """Raise what makes it of no use."""
        where = f"Redis at {server.address}"
        if tuple(int(it) for it in server.version.split(".")[:2]) < OLDEST:
            text = f"it is {server.version}, which is too old: take 6.2 or newer"
            raise BusError(f"{where}: {text}")
        if server.mode == "sentinel":
            text = "it is a sentinel: name it by option sentinel, and sentinel_name"
            raise BusError(f"{where}: {text}")
        if server.mode == "cluster":
            prefix = self._options.prefix
            if not ("{" in prefix and "}" in prefix):
                text = "it is a cluster, and all keys must be on one node of it"
                raise BusError(f"{where}: {text}: set option prefix to '{{{prefix}}}'")
        elif server.role != "master":
            text = "it is a replica: name the primary, or sentinels"
            raise BusConnectionError(f"{where}: {text}")

    def _moved(self, server: Server) -> Address | None:
        """Return the node of the cluster that has our keys, unless it is this one."""
        if server.mode != "cluster":
            return None
        try:
            _call(server.connection, "EXISTS", self._key)
        except exceptions.ResponseError as error:
            if (found := MOVED.match(str(error))) is None:
                raise
            return found[1] or server.address.rpartition(":")[0], int(found[2])
        return None

    def _ask_sentinels(self) -> Address:
        name, told = self._options.sentinel_name, []
        for sentinel in addresses_of(",".join(self._options.sentinel), SENTINEL):
            shown = f"{sentinel[0]}:{sentinel[1]}"
            try:
                found = self._ask_sentinel(sentinel, name)
            except FAILURES as error:
                told.append(str(error_of(error, shown)))
                continue
            if found:
                return found[0].decode(), int(found[1])
            told.append(f"the sentinel at {shown} knows no '{name}'")
        raise BusConnectionError(f"no sentinel helps: {'; '.join(told)}")

    def _ask_sentinel(self, sentinel: Address, name: str) -> Sequence[bytes] | None:
        password = self._options.sentinel_password or None
        connection = _connection(self._options, sentinel, password=password)
        try:
            connection.connect()
            words = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
            found: Sequence[bytes] | None = _call(connection, *words)
        finally:
            connection.disconnect()
        return found

    def _warn(self, server: Server) -> None:
        """Say once if the server may throw away what waits."""
        if self._warned:
            return
        self._warned = True
        try:
            lines = _call(server.connection, "INFO", "memory").decode().splitlines()
        except exceptions.ResponseError:
            return  # this user may not ask
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        policy = told.get("maxmemory_policy", "noeviction")
        if policy != "noeviction" and told.get("maxmemory") != "0":
            _log.warning(
                "Redis at %s throws keys away when its memory is full, and with them"
                " tasks that wait (maxmemory-policy %s): set it to noeviction",
                server.address,
                policy,
            )


def _unreached(error: Exception, address: str, *, tls: bool) -> BusError:
    """Return the error of a server that did not greet us, with what may be wrong."""
    told = error_of(error, address)
    silent = isinstance(error, exceptions.TimeoutError)
    if not silent and not any(word in str(error) for word in OTHERWISE):
        return told
    hint = "it speaks no TLS there, take redis" if tls else "it wants TLS, take rediss"
    return BusConnectionError(f"{told}; if {hint}://")


def _call(connection: Any, *words: Any) -> Any:
    connection.send_command(*words)
    return connection.read_response()


def _connection(options: RedisOptions, address: Address, **login: Any) -> Any:
    """Return a connection that repeats nothing by itself, not yet made."""
    seconds = options.connect_timeout.total_seconds()
    kind: Any = Connection  # not typed in every version
    more: dict[str, Any] = {}
    if options.tls:
        kind, more = SSLConnection, _tls(options)
    return kind(
        host=address[0],
        port=address[1],
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        retry_on_timeout=False,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        socket_keepalive=True,
        client_name="task",
        **login,
        **more,
    )


def _tls(options: RedisOptions) -> dict[str, Any]:
    files = {
        "ssl_ca_certs": options.tls_ca,
        "ssl_certfile": options.tls_cert,
        "ssl_keyfile": options.tls_key,
    }
    return {
        "ssl_cert_reqs": "required" if options.tls_verify else "none",
        "ssl_check_hostname": options.tls_verify,
        **{name: str(path) for name, path in files.items() if path},
    }
