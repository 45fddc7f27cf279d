"""Brokers of these tests: one PostgreSQL for all, which speaks TLS as well."""

import sys
import uuid
from pathlib import Path

import psycopg
import pytest
from brokers.ports import split
from brokers.postgres import Postgres
from brokers.tls import Certificate
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.plugin import postgres as plugin

from task_core.api import BusContext

sys.path.insert(0, str(Path(__file__).parent))  # for `postgres_backdoor`
from postgres_server import insist


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def server(certificate):
    """A server that asks `tester` for a password, and `postgres` for none."""
    server = Postgres(tls=certificate)
    insist(server.start)
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


@pytest.fixture
def sql(server):
    """Run a statement past the bus, and return its rows."""
    with psycopg.connect(server.url, autocommit=True) as connection:

        def run(text, *values):
            cursor = connection.execute(text, values)
            return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def topic():
    return f"test-{uuid.uuid4().hex[:12]}"
