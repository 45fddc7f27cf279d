"""Clients of the bus memory, and what fails on demand."""

import uuid

import pytest

from task_core.api.bus import BusContext
from task_core.builtin.bus_options import MemoryOptions
from task_core.builtin.buses import memory
from task_core.client.client import Client


@pytest.fixture
def storage():
    return uuid.uuid4().hex


@pytest.fixture
def open_bus(storage):
    return lambda: memory.open(MemoryOptions(name=storage), BusContext(lease=5.0))


@pytest.fixture
def client(open_bus):
    with Client(open_bus, "done", "memory") as client:
        yield client


@pytest.fixture
def bus(open_bus):
    bus = open_bus()
    yield bus
    bus.close()
