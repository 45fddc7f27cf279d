"""NATS with JetStream: one server that keeps its streams on disk."""

import json
import socket
from pathlib import Path

from brokers.cache import cache_folder
from brokers.ports import free_address, split
from brokers.process import Broker, find, version
from brokers.tls import Certificate

PLACES = cache_folder() / "bin", Path.home() / "go" / "bin", "/usr/sbin"
"""Where CI, `go install` and packages put it, if PATH does not say."""


class Nats(Broker):
    """NATS on loopback, at `address`, with JetStream.

    A kill of the process loses no message that was confirmed; acknowledgements of the
    last two minutes it may forget.

    Args:
        folder: where data and log are kept; else a temporary one.
        login: whether it is for those alone who log in, as `user` with `password`.
        tls: what it shows; then it speaks with nobody in the open.
        options: more settings, which win: `{"max_payload": 1000}`.
    """

    name = "NATS"
    user, password = "tester", "s3cret-of-nats"
    """Who may log in, where one must."""

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
        self._certificate = tls
        self._login = login
        self._options = options or {}
        self._settings = self.folder / "nats.conf"

    @property
    def url(self) -> str:
        """Where it is, for clients that want a URL."""
        return f"{'tls' if self._certificate else 'nats'}://{self.address}"

    @property
    def implementation(self) -> str:
        """What runs, with its version."""
        return implementation()

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        return [program(), "-c", str(self._settings)]

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
        self._settings.write_text(json.dumps(settings | self._options), "utf-8")

    def answers(self) -> bool:
        """Whether it serves clients now, and has read all its data."""
        with socket.create_connection(split(self.address), timeout=1) as connection:
            told = connection.recv(4096)
            return told.startswith(b"INFO ") and b'"jetstream":true' in told


def implementation() -> str:
    """Return what would run, with its version.

    Raises:
        BrokerMissingError: there is none.
    """
    return f"NATS {version(program())}"


def program() -> str:
    """Return the path of `nats-server`.

    Raises:
        BrokerMissingError: there is none.
    """
    return find("nats-server", "NATS_SERVER", *PLACES)
