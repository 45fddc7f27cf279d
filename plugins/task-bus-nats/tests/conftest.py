"""Brokers of these tests: one NATS for all, and one for those who log in by TLS."""

import sys
from pathlib import Path

import pytest
from brokers.bus_fixtures import (  # noqa: F401  fixtures
    certificate,
    listening,
    open_at,
    refusal,
    start,
    topic,
)
from brokers.fixtures import nats  # noqa: F401  a fixture, with or without `-p`
from brokers.insist import present
from brokers.nats import Nats
from brokers.ports import split
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats as manifest

from task_core.api import BusContext, Message

sys.path.insert(0, str(Path(__file__).parent))  # for `nats_backdoor`


@pytest.fixture(scope="session")
def guarded(certificate):  # noqa: F811
    """A server for those alone who log in, and speak TLS."""
    server = Nats(login=True, tls=certificate)
    present(server.start)
    yield server
    server.close()


@pytest.fixture
def guarded_options(guarded, certificate):  # noqa: F811
    return options_of(
        guarded,
        user=guarded.user,
        password=guarded.password,
        tls=True,
        tls_ca=certificate.certificate,
    )


def place_of(server):
    """Return the options that say where a server is."""
    host, port = split(server.address)
    return {"host": host, "port": port}


def options_of(server, **more):
    """Return options for a server."""
    return NatsOptions(**{**place_of(server), **more})


@pytest.fixture
def here(nats):  # noqa: F811
    """Where the shared server is."""
    return place_of(nats)


@pytest.fixture
def server_with(start):  # noqa: F811
    """Start a server with some settings; return where it is."""
    return lambda kind=Nats, **more: place_of(start(kind, **more))


@pytest.fixture
def told():
    """Use a bus; return the one line that it says, and whether to try again."""

    def told(**options):
        bus = manifest.open(NatsOptions(**options), BusContext())
        found = refusal(lambda: bus.producer().send([Message("t", b"1")]))
        bus.close()
        return found

    return told


@pytest.fixture
def bus_at():
    """Open a bus at a server, or a proxy."""
    return lambda place, lease, **more: manifest.open(
        options_of(place, **more), BusContext(lease=lease)
    )


@pytest.fixture
def open_bus(open_at, nats):  # noqa: F811
    """Open a bus at the shared server."""
    return lambda lease=5.0, **more: open_at(nats, lease, **more)
