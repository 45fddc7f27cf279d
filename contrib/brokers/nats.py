"""NATS with JetStream: one server that keeps its streams on disk."""

import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brokers.cache import cache_folder
from brokers.ports import free_address, split
from brokers.server import Server


class Nats(Server):
    """NATS on loopback, at `address`, with JetStream.

    A kill of the process loses no message that was confirmed; acknowledgements of the
    last two minutes it may forget.

    With `tls` it speaks with nobody in the open.

    Args:
        cluster: addresses of all its servers for one another, this one's first.
        more: as for every server.
    """

    name = "NATS"
    program, variable = "nats-server", "NATS_SERVER"
    user, password = "tester", "s3cret-of-nats"
    """Who may log in, where one must."""

    def __init__(self, *, cluster: Sequence[str] = (), **more: Any) -> None:
        super().__init__(**more)
        self._cluster = cluster
        self.server_name = self.address

    @property
    def url(self) -> str:
        """Where it is, for clients that want a URL."""
        return f"{'tls' if self._certificate else 'nats'}://{self.address}"

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        return [self.path(), "-c", str(self.settings)]

    @property
    def settings(self) -> Path:
        """The file of its settings."""
        return self.folder / "nats.conf"

    @classmethod
    def places(cls) -> tuple[Path | str, ...]:
        """Return where CI, `go install` and packages put it."""
        return cache_folder() / "bin", Path.home() / "go" / "bin", "/usr/sbin"

    def prepare(self) -> None:
        """Write the settings: JSON is one way to write them."""
        settings: dict[str, object] = {
            "listen": self.address,
            "jetstream": {"store_dir": str(self.folder / "data")},
        }
        if self._login:
            who = {"user": self.user, "password": self.password}
            settings["authorization"] = {"users": [who]}
        if self._certificate is not None:
            settings["tls"] = {
                "cert_file": str(self._certificate.certificate),
                "key_file": str(self._certificate.key),
            }
        if self._cluster:
            listen, *others = self._cluster
            routes = [f"nats://{other}" for other in others]
            settings["server_name"] = self.server_name
            settings["cluster"] = {"name": "c", "listen": listen, "routes": routes}
        self.settings.write_text(json.dumps(settings | self._options), "utf-8")

    def answers(self) -> bool:
        """Whether it serves clients now, and has read all its data."""
        with socket.create_connection(split(self.address), timeout=1) as connection:
            told = connection.recv(4096)
            return told.startswith(b"INFO ") and b'"jetstream":true' in told


def cluster_of(count: int) -> list[Nats]:
    """Return so many servers of one cluster, not started yet."""
    places = [free_address() for _ in range(count)]
    return [Nats(cluster=[*places[at:], *places[:at]]) for at in range(count)]
