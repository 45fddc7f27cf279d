"""A PostgreSQL for stores of taskmasters; a conftest imports these fixtures.

Where there is none the test is skipped; with `BROKERS_REQUIRED=1`, as in CI, it fails.
"""

import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest

from brokers.insist import present
from brokers.postgres import Postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """Start a PostgreSQL for all tests."""
    server = Postgres(options={"max_connections": 200})
    present(server.start)
    yield server
    server.close()


@pytest.fixture(scope="session")
def new_database(server: Postgres) -> Callable[[], str]:
    """Return what makes empty databases, and returns their URLs."""

    def make() -> str:
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return server.url.removesuffix("postgres") + name

    return make
