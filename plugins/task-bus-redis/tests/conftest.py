"""Brokers of these tests: one Redis for all, and one for those who log in."""

import os
import sys
from pathlib import Path

import pytest
from brokers.fixtures import redis  # noqa: F401  a fixture, with or without `-p`
from brokers.ports import split
from brokers.process import BrokerMissingError
from brokers.redis import Redis
from brokers.tls import Certificate
from task_bus_redis.options import RedisOptions
from task_bus_redis.plugin import redis as plugin

from task_core.api import BusContext

sys.path.insert(0, str(Path(__file__).parent))  # for `redis_backdoor`


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def start_all():
    """Start brokers for one module; skip, or fail where they must be there."""
    started = []

    def start_all(start):
        started.extend(made := insist(start))
        return made

    yield start_all
    for broker in reversed(started):
        broker.close()


@pytest.fixture(scope="session")
def guarded(certificate):
    """A server for those alone who log in, with TLS at another port."""
    server = Redis(login=True, tls=certificate)
    insist(server.start)
    yield server
    server.close()


def insist(start):
    """Start something; skip, or fail where it must be there."""
    try:
        return start()
    except BrokerMissingError as error:
        if os.environ.get("BROKERS_REQUIRED") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture
def make_options(redis):  # noqa: F811
    """Return options for the shared server, or for another one."""

    def make(server=redis, **more):
        host, port = split(server.address)
        return RedisOptions(host=host, port=port, **more)

    return make


@pytest.fixture
def open_bus(make_options):
    """Open a bus; closed in the end."""
    opened = []

    def open_bus(lease=5.0, **more):
        bus = plugin.open(make_options(**more), BusContext(lease=lease))
        opened.append(bus)
        return bus

    yield open_bus
    for bus in opened:
        bus.close()
