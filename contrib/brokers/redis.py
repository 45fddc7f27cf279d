"""Redis, or Valkey under its name: one server that writes everything to disk."""

import socket
from pathlib import Path

from brokers.ports import free_address, split
from brokers.process import Broker, find, version
from brokers.tls import Certificate


class Redis(Broker):
    """Redis on loopback, at `address`; what it confirmed survives a kill.

    Args:
        folder: where data and log are kept; else a temporary one.
        login: whether it is for those alone who log in, as `user` with `password`.
        tls: what it shows to clients at `tls`, an address that is else not there.
        options: more settings, which win: `{"maxmemory": "10mb"}`.
    """

    name = "Redis"
    user, password = "tester", "s3cret-of-redis"
    """Who may log in, whether or not one must."""

    def __init__(
        self,
        *,
        folder: Path | str | None = None,
        login: bool = False,
        tls: Certificate | None = None,
        options: dict[str, object] | None = None,
    ) -> None:
        super().__init__(folder=folder)
        self.address = free_address()
        self.tls = free_address() if tls else None
        self._certificate = tls
        self._login = login
        self._options = options or {}
        self._settings = self.folder / "redis.conf"

    @property
    def url(self) -> str:
        """Where it is, for clients that want a URL."""
        return f"redis://{self.address}"

    @property
    def implementation(self) -> str:
        """What runs, with its version."""
        return implementation()

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        return [program(), str(self._settings)]

    def prepare(self) -> None:
        """Write the settings."""
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        host, port = split(self.address)
        settings: dict[str, object] = {
            "bind": host,
            "port": port,
            "dir": data,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            **self._tls_settings(),
            **self._options,
        }
        rights = "~* &* +@all"
        # Off, but not without rights: without them, Redis 7.0 leaves out what scripts
        # wrote when it reads its log after a restart.
        everybody = f"{'resetpass off' if self._login else 'on nopass'} {rights}"
        lines = [f"{name} {value}" for name, value in settings.items()]
        lines.append(f"user default {everybody}")
        lines.append(f"user {self.user} on >{self.password} {rights}")
        self._settings.write_text("\n".join(lines) + "\n", "utf-8")

    def _tls_settings(self) -> dict[str, object]:
        if self._certificate is None or self.tls is None:
            return {}
        return {
            "tls-port": split(self.tls)[1],
            "tls-cert-file": self._certificate.certificate,
            "tls-key-file": self._certificate.key,
            "tls-ca-cert-file": self._certificate.certificate,
            "tls-auth-clients": "no",
        }

    def answers(self) -> bool:
        """Whether it serves clients now, and has read all its data."""
        with socket.create_connection(split(self.address), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))


def implementation() -> str:
    """Return what would run, with its version.

    Raises:
        BrokerMissingError: there is none.
    """
    return f"Redis {version(program())}"


def program() -> str:
    """Return the path of `redis-server`.

    Raises:
        BrokerMissingError: there is none.
    """
    return find("redis-server", "REDIS_SERVER")
