"""Brokers of these tests: one NATS for all, and one for those who log in by TLS."""

import os
import sys
from pathlib import Path

import pytest
from brokers.fixtures import nats  # noqa: F401  a fixture, with or without `-p`
from brokers.nats import Nats
from brokers.ports import split
from brokers.process import BrokerMissingError
from brokers.tls import Certificate
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats as manifest

from task_core.api import BusContext

sys.path.insert(0, str(Path(__file__).parent))  # for `nats_backdoor`


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def guarded(certificate):
    """A server for those alone who log in, and speak TLS."""
    server = Nats(login=True, tls=certificate)
    insist(server.start)
    yield server
    server.close()


@pytest.fixture
def guarded_options(guarded, certificate):
    return options_of(
        guarded,
        user=guarded.user,
        password=guarded.password,
        tls=True,
        tls_ca=certificate.certificate,
    )


@pytest.fixture
def start():
    """Start a server of one's own; closed in the end."""
    started = []

    def start(**more):
        started.append(server := Nats(**more))
        insist(server.start)
        return server

    yield start
    for server in started:
        server.close()


def insist(start):
    """Start something; skip, or fail where it must be there."""
    try:
        return start()
    except BrokerMissingError as error:
        if os.environ.get("BROKERS_REQUIRED") == "1":
            raise
        pytest.skip(str(error))


def options_of(server, **more):
    """Return options for a server."""
    host, port = split(server.address)
    return NatsOptions(**{"host": host, "port": port, **more})


@pytest.fixture
def open_at():
    """Open a bus at a server, or a proxy; closed in the end."""
    opened = []

    def open_at(server, lease=5.0, **more):
        bus = manifest.open(options_of(server, **more), BusContext(lease=lease))
        opened.append(bus)
        return bus

    yield open_at
    for bus in opened:
        bus.close()


@pytest.fixture
def open_bus(open_at, nats):  # noqa: F811
    """Open a bus at the shared server."""

    def open_bus(lease=5.0, **more):
        return open_at(nats, lease, **more)

    return open_bus
