"""Fixtures that tests of buses share; a conftest imports those that it wants.

`open_at` wants a fixture `bus_at` beside it: a function that opens a bus at a broker or
a proxy, with a lease and more options.
"""

import contextlib
import socket
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from brokers.insist import present
from brokers.process import Broker
from brokers.tls import Certificate
from task_core.api import Bus, BusConnectionError, BusError

B = TypeVar("B", bound=Broker)


@pytest.fixture
def topic() -> str:
    """Return a topic of one's own."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return what a server of TLS shows."""
    folder: Path = tmp_path_factory.mktemp("tls")
    return Certificate.make(folder)


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Broker]]:
    """Start brokers for one module: `start(Redis, tls=certificate)`.

    The test is skipped, or fails where it must be there, if there is none.
    """
    started: list[Broker] = []

    def start(kind: Callable[..., B], *args: Any, **how: Any) -> B:
        broker = kind(*args, **how)
        started.append(broker)
        present(broker.start)
        return broker

    yield start
    for broker in reversed(started):
        broker.close()


@pytest.fixture
def open_at(bus_at: Callable[..., Bus]) -> Iterator[Callable[..., Bus]]:
    """Open buses at brokers, or at proxies before them; closed in the end."""
    opened: list[Bus] = []

    def open_at(place: Any, lease: float = 5.0, **more: Any) -> Bus:
        opened.append(bus_at(place, lease, **more))
        return opened[-1]

    yield open_at
    for bus in opened:
        bus.close()


@pytest.fixture
def listening() -> Iterator[Callable[..., int]]:
    """Listen, say something to each who connects, and answer; return the port."""
    servers: list[socket.socket] = []

    def listening(*answers: bytes, greeting: bytes = b"") -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        words = (server, greeting, answers)
        threading.Thread(target=_serve, args=words, daemon=True).start()
        port: int = server.getsockname()[1]
        return port

    yield listening
    for one in servers:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def _serve(server: socket.socket, greeting: bytes, answers: tuple[bytes, ...]) -> None:
    kept = []
    with contextlib.suppress(OSError):  # until the test is over
        while True:
            connection, _ = server.accept()
            kept.append(connection)  # and says no more
            connection.sendall(greeting)
            for answer in answers:
                connection.recv(4096)
                connection.sendall(answer)
    for one in kept:
        one.close()


def refusal(use: Callable[[], object]) -> tuple[str, bool]:
    """Return the one line that a bus says, and whether to try again may help."""
    with pytest.raises(BusError) as caught:
        use()
    text = str(caught.value)
    assert "\n" not in text
    assert "wrong-secret" not in "".join(traceback.format_exception(caught.value))
    return text, isinstance(caught.value, BusConnectionError)
