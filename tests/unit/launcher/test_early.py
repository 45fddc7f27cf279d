"""Rules of `task_core.launcher.early`: what was received never comes again."""

import pytest

from task_core.errors import UnsupportedCapabilityError
from task_core.launcher.early import EarlyBus


def test_receiving_acknowledges(memory, make_tasks):
    """Also when the launcher is gone right afterwards."""
    memory.put(*make_tasks(*range(5)))
    bus = EarlyBus(memory.open())
    consumer = bus.subscribe("load", "load")
    assert len(consumer.receive(3, 0)) == 3
    bus.close()
    assert memory.depth("load", "load") == 2


def test_nothing_is_promised_that_needs_an_acknowledgement(memory):
    """No giving back, no lease, no atomic settle; the rest is the bus's own."""
    bus = EarlyBus(memory.open())
    capabilities = bus.capabilities
    assert not any([capabilities.ack, capabilities.nack, capabilities.lease])
    assert not any([capabilities.attempts, capabilities.atomic_settle])
    assert capabilities.depth
    with pytest.raises(UnsupportedCapabilityError):
        bus.subscribe("load", "load").nack([])


def test_a_launcher_runs_on_it(rig, memory, make_tasks):
    """Done tasks arrive as ever."""
    memory.watch("done").put(*make_tasks(*range(5)))
    rig(lambda info: info, EarlyBus(memory.open()), max_tasks=5).start().join()
    assert len(memory.tasks()) == 5
