"""What the tests of the bus share."""

import pytest
from hypothesis import settings
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import BusContext

# A busy machine is no failure.
settings.register_profile("sqlite", deadline=None)
settings.load_profile("sqlite")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "task.db"


@pytest.fixture
def open_bus(path):
    """Opens buses on one file, as many as are wanted."""
    opened = []

    def open_bus(lease=30.0, **options):
        options = SqliteOptions(**{"path": str(path), **options})
        opened.append(sqlite.open(options, BusContext(lease=lease)))
        return opened[-1]

    yield open_bus
    for bus in opened:
        bus.close()


@pytest.fixture
def bus(open_bus):
    return open_bus()
