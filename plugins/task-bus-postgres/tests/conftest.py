"""Brokers of these tests: one PostgreSQL for all, which speaks TLS as well."""

import sys
from pathlib import Path

import psycopg
import pytest
from brokers.bus_fixtures import (  # noqa: F401  fixtures
    certificate,
    listening,
    open_at,
    start,
    topic,
)
from brokers.insist import present
from brokers.ports import split
from brokers.postgres import Postgres
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.plugin import postgres as plugin

from task_core.api import BusContext

sys.path.insert(0, str(Path(__file__).parent))  # for `postgres_backdoor`


@pytest.fixture(scope="session")
def server(certificate):  # noqa: F811
    """A server that asks `tester` for a password, and `postgres` for none."""
    server = Postgres(tls=certificate)
    present(server.start)
    yield server
    server.close()


@pytest.fixture
def make_options(server):
    """Return options for the shared server, or for another one."""

    def make(of_server=server, **more):
        host, port = split(of_server.address)
        words = {"host": host, "port": port, "user": "postgres", "dbname": "postgres"}
        return PostgresOptions(**{**words, **more})

    return make


@pytest.fixture
def bus_at(make_options):
    """Open a bus at a server, or a proxy."""
    return lambda place, lease, **more: plugin.open(
        make_options(place, **more), BusContext(lease=lease)
    )


@pytest.fixture
def open_bus(open_at, server):  # noqa: F811
    """Open a bus at the shared server, or at another one."""
    return lambda lease=5.0, of_server=server, **more: open_at(of_server, lease, **more)


@pytest.fixture
def sql(server):
    """Run a statement past the bus, and return its rows."""
    with psycopg.connect(server.url, autocommit=True) as connection:

        def run(text, *values):
            cursor = connection.execute(text, values)
            return cursor.fetchall() if cursor.description else []

        yield run
