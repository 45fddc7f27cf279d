"""Rules that all built-in buses keep, by the capabilities that they declare."""

import subprocess
import sys

import pytest

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.builtin import buses, streams
from task_core.errors import BusClosedError, UnsupportedCapabilityError

NAMES = ["stdio", "null", "file", "memory", "nop"]
CALLS = {
    "ack": lambda bus, consumer: consumer.ack([]),
    "nack": lambda bus, consumer: consumer.nack([]),
    "lease": lambda bus, consumer: consumer.extend([]),
    "topics": lambda bus, consumer: bus.topics(),
    "depth": lambda bus, consumer: bus.depth("load", "load"),
}
EXTRAS = {"delay": 1.0, "priority": 1, "headers": {"k": "v"}}


def manifest(name):
    """Return the manifest of a bus, from whichever module has it."""
    return getattr(streams, name, None) or getattr(buses, name)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=NAMES)
def bus(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "load").touch()
    plugin = manifest(request.param)
    with (tmp_path / "stdout").open("wb") as file:
        bus = plugin.open(plugin.options(), BusContext(stdout=file.fileno()))
        yield bus
        bus.close()


@pytest.fixture
def consumer(bus, monkeypatch):
    consumer = bus.subscribe("load", "load")
    yield consumer
    consumer.close()


@pytest.mark.parametrize("name", [*NAMES, "stdin", "stdout", "stderr"])
def test_the_manifest_has_the_name_of_the_bus_that_it_opens(name, here):
    """And promises no more than the bus."""
    plugin = manifest(name)
    bus = plugin.open(plugin.options(), BusContext())
    assert plugin.name == bus.name == name
    for field in ("ack", "nack", "lease", "ordered", "channels", "durable", "bounded"):
        promised = getattr(plugin.capabilities, field)
        assert not promised or getattr(bus.capabilities, field)
    bus.close()


@pytest.mark.parametrize("name", CALLS)
def test_a_call_works_or_is_refused_as_declared(bus, consumer, name):
    """A declaration cannot lie."""
    if getattr(bus.capabilities, name):
        CALLS[name](bus, consumer)
    else:
        with pytest.raises(UnsupportedCapabilityError, match=f"'{name}'"):
            CALLS[name](bus, consumer)


@pytest.mark.parametrize("name", EXTRAS)
def test_a_message_works_or_is_refused_as_declared(bus, name):
    """Before anything is sent."""
    message = Message("done", b"a", **{name: EXTRAS[name]})
    if getattr(bus.capabilities, name):
        bus.producer().send([message])
    else:
        with pytest.raises(UnsupportedCapabilityError, match=f"'{name}'"):
            bus.producer().send([message])


def test_closing_is_safe_in_every_state(bus):
    """Before the first use, twice, in any order; use after it is told."""
    consumer, producer = bus.subscribe("load", "load"), bus.producer()
    for closable in (consumer, bus, producer, bus, consumer):
        closable.close()
    consumer.wake()
    with pytest.raises(BusClosedError):
        consumer.receive(1, 0)
    if bus.name != "nop":
        with pytest.raises(BusClosedError):
            producer.send([Message("done", b"a")])


def test_sending_nothing_is_no_error(bus):
    """Some settle has only acks."""
    bus.producer().send([])


@pytest.mark.usefixtures("unmeasured")
def test_the_manifests_import_nothing_heavy():
    """Start-up pays only for the bus that is used."""
    code = """
import sys
import task_core.builtin.buses, task_core.builtin.workers
heavy = {"subprocess", "selectors", "asyncio", "queue", "shlex"}
own = {m for m in sys.modules if m.startswith("task_core.builtin.")}
print(sorted(heavy & set(sys.modules)), *sorted(m.split(".")[2] for m in own))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["[]", "bus_options", "buses", "workers"]
