"""Rules of `task_core.builtin.nop_bus`."""

import pytest

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.builtin import buses
from task_core.builtin.bus_options import NopOptions
from task_core.errors import BusError, SendError
from task_core.wire import decode_task


def open_nop(**options):
    return buses.nop.open(NopOptions(**options), BusContext())


def consume(**options):
    return open_nop(**options).subscribe("test", "test")


def test_the_fake_task_comes_for_ever():
    """And it is a task."""
    consumer = consume()
    for _ in range(3):
        assert len(consumer.receive(100, 0)) == 100
    assert not consumer.exhausted
    assert decode_task(consumer.receive(1, 0)[0].body).info == "test-info"


@pytest.mark.parametrize(
    ("options", "count"),
    [({"count": 3}, 3), ({"msg_msg_done": True}, 1), ({"msg_done": True}, 0)],
)
def test_the_input_ends_where_told(options, count):
    """As the mocks of the Go system."""
    consumer = consume(**options)
    assert len(consumer.receive(10, 0)) == count
    assert consumer.exhausted


@pytest.mark.parametrize("name", ["init_err", "err"])
def test_init_err_fails_both_ends(name):
    """Subscribing and making a producer."""
    bus = open_nop(**{name: True})
    for call in (lambda: bus.subscribe("a", "a"), bus.producer):
        with pytest.raises(BusError, match=f"option '{name}'"):
            call()


def test_each_other_error_fails_its_own_call():
    """And nothing else."""
    with pytest.raises(BusError, match="msg_err"):
        consume(msg_err=True).receive(1, 0)
    with pytest.raises(SendError, match="send_err"):
        open_nop(send_err=True).producer().send([Message("a", b"a")])
    with pytest.raises(BusError, match="stop_err"):
        open_nop(stop_err=True).close()


def test_what_was_sent_can_be_looked_up():
    """By topic and part of the body."""
    bus = open_nop()
    bus.producer().send([Message("done", b"one two"), Message("done", b"three")])
    assert bus.contains("done", b"two")
    assert not bus.contains("other", b"two")
    assert len(bus.sent["done"]) == 2
