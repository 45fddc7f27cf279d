"""Stores of these tests: each rule holds in a file and in PostgreSQL."""

import os
import sys
import uuid
from pathlib import Path

import pytest
from brokers.postgres import Postgres
from brokers.process import BrokerMissingError
from task_store import open_store

sys.path.insert(0, str(Path(__file__).parent))  # for `store_processes`


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL for all tests."""
    server = Postgres(options={"max_connections": 200})
    try:
        server.start()
    except BrokerMissingError as error:
        if os.environ.get("BROKERS_REQUIRED") == "1":
            raise
        pytest.skip(str(error))
    yield server
    server.close()


@pytest.fixture(scope="session")
def new_database(server):
    """Return URLs of databases that are empty."""
    import psycopg

    def make():
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return server.url.removesuffix("postgres") + name

    return make


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """Where an empty store is."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    return request.getfixturevalue("new_database")()


@pytest.fixture
def open_(request):
    """Open stores, closed in the end."""
    opened = []

    def open_(url, **more):
        opened.append(open_store(url, **more))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def store(open_, url):
    return open_(url)


@pytest.fixture
def other(open_, store, url):
    """Another instance on the same store."""
    return open_(url)
