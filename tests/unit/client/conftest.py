"""Clients of the bus memory, and what fails on demand."""

import uuid

import attrs
import pytest

from task_core.api.bus import BusContext
from task_core.builtin.bus_options import MemoryOptions
from task_core.builtin.buses import MEMORY, memory
from task_core.builtin.memory_bus import MemoryBus, MemoryConsumer
from task_core.client.client import Client


class Watched(MemoryConsumer):
    """Tells its bus what it is about to do."""

    def _receive(self, limit, timeout):
        self.bus.act("receive")
        return super()._receive(limit, timeout)

    def _ack(self, deliveries):
        self.bus.act("ack")
        super()._ack(deliveries)

    def _settle(self, deliveries, messages):
        self.bus.act("settle")
        super()._settle(deliveries, messages)


class WatchedBus(MemoryBus):
    """The bus of a reader; what a test wants happens before each step."""

    def __init__(self, storage, act, **capabilities):
        super().__init__(storage, attrs.evolve(MEMORY, **capabilities), 3600)
        self.act = act

    def _subscribe(self, topic, channel, **_):
        return Watched(self, topic, channel)

    def _close(self):
        self.act("close")


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


@pytest.fixture
def watch(storage):
    return lambda act, **capabilities: WatchedBus(storage, act, **capabilities)


@pytest.fixture
def fail_first():
    """Return what fails the first times that a reader takes a step."""

    def fail_first(step, *errors):
        left = [*errors]

        def act(what):
            if what == step and left:
                raise left.pop(0)

        return act

    return fail_first
