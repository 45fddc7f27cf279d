"""What the tests of workflows share."""

import os
import uuid

import pytest
from brokers.postgres import Postgres
from brokers.process import BrokerMissingError
from flows import FLOWS
from hypothesis import settings
from task_store import outbox
from task_taskmaster_workflow import timekeeper

# A busy machine is no failure.
settings.register_profile("workflow", deadline=None)
settings.load_profile("workflow")


class Files:
    """A folder of workflow files."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def write(self, text, name="shop.toml"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture(autouse=True)
def long_looks(monkeypatch):
    """Let hours of a test's clock pass in a few looks."""
    monkeypatch.setattr(timekeeper, "LOOK_EVERY", 300.0)
    monkeypatch.setattr(outbox, "LONGEST", 300.0)


@pytest.fixture(autouse=True)
def closed_stores():
    yield
    while FLOWS:
        FLOWS.pop().store.close()


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "flows")


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
