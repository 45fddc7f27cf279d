"""Brokers of these tests: one Redis for all, and one for those who log in."""

import sys
from pathlib import Path

import pytest
from brokers.bus_fixtures import (  # noqa: F401  fixtures
    certificate,
    listening,
    open_at,
    start,
    topic,
)
from brokers.fixtures import redis  # noqa: F401  a fixture, with or without `-p`
from brokers.insist import present
from brokers.ports import split
from brokers.redis import Redis
from task_bus_redis.options import RedisOptions
from task_bus_redis.plugin import redis as plugin

from task_core.api import BusContext

sys.path.insert(0, str(Path(__file__).parent))  # for `redis_backdoor`


@pytest.fixture(scope="session")
def guarded(certificate):  # noqa: F811
    """A server for those alone who log in, with TLS at another port."""
    server = Redis(login=True, tls=certificate)
    present(server.start)
    yield server
    server.close()


@pytest.fixture
def bus_at():
    """Open a bus at a server, or a proxy."""

    def bus_at(place, lease, **more):
        host, port = split(place.address)
        options = RedisOptions(host=host, port=port, **more)
        return plugin.open(options, BusContext(lease=lease))

    return bus_at


@pytest.fixture
def open_bus(open_at, redis):  # noqa: F811
    """Open a bus at the shared server."""
    return lambda lease=5.0, **more: open_at(redis, lease, **more)
