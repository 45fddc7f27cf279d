"""Redis, or Valkey under its name: one server that writes everything to disk."""

import socket
from typing import Any

from brokers.ports import free_address, split
from brokers.server import Server
from brokers.tls import Certificate


class Redis(Server):
    """Redis on loopback, at `address`; what it confirmed survives a kill.

    Args:
        tls: what it shows to clients at `tls`, an address that is else not there.
        more: as for every server.
    """

    name = "Redis"
    program, variable, scheme = "redis-server", "REDIS_SERVER", "redis"
    user, password = "tester", "s3cret-of-redis"
    """Who may log in, whether or not one must."""

    def __init__(self, *, tls: Certificate | None = None, **more: Any) -> None:
        super().__init__(tls=tls, **more)
        self.tls = free_address() if tls else None
        self._settings = self.folder / "redis.conf"

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        return [self.path(), str(self._settings)]

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
        # Who has not logged in is told so even while the data is still being read.
        login = f"AUTH {self.user} {self.password}\r\n" if self._login else ""
        with socket.create_connection(split(self.address), timeout=1) as connection:
            connection.sendall(f"{login}PING\r\n".encode())
            answers = connection.makefile("rb")
            if login and answers.readline() != b"+OK\r\n":
                return False
            return answers.readline() == b"+PONG\r\n"
