"""Stores of these tests: each rule holds in a file and in PostgreSQL."""

import sys
from pathlib import Path

import pytest
from brokers.store_fixtures import new_database, server  # noqa: F401  fixtures
from task_store import open_store

sys.path.insert(0, str(Path(__file__).parent))  # for `store_processes`


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
