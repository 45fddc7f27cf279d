"""What the small brokers share: one server at one address, with settings to add."""

from pathlib import Path

from brokers.ports import free_address
from brokers.process import Broker, find, version
from brokers.tls import Certificate


class Server(Broker):
    """One server on loopback, at `address`.

    Args:
        folder: where data and log are kept; else a temporary one.
        login: whether it is for those alone who log in, as `user` with `password`.
        tls: what it shows to clients that speak TLS.
        options: more settings, which win: `{"max_connections": 10}`.
    """

    program: str
    """What is started."""
    variable: str
    """Of the environment: names another such program."""
    scheme: str
    """How URLs of it begin."""

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
        self._login = login
        self._certificate = tls
        self._options = options or {}

    @property
    def url(self) -> str:
        """Where it is, for clients that want a URL."""
        return f"{self.scheme}://{self.address}"

    @property
    def implementation(self) -> str:
        """What runs, with its version."""
        return self.here()

    @classmethod
    def here(cls) -> str:
        """Return what would run, with its version.

        Raises:
            BrokerMissingError: there is none.
        """
        return f"{cls.name} {version(cls.path())}"

    @classmethod
    def places(cls) -> tuple[Path | str, ...]:
        """Return where the program may be if it is not on PATH, the best first."""
        return ()

    @classmethod
    def path(cls) -> str:
        """Return the path of the program.

        Raises:
            BrokerMissingError: there is none.
        """
        return find(cls.program, cls.variable, *cls.places())
