"""Rules of `task_testing.doubles`."""

import threading

import pytest
from task_testing import FakeClock, FlakyBus, RecordingBus, run_taskmaster

from task_core.api import (
    BusClosedError,
    BusConnectionError,
    BusError,
    Capabilities,
    Message,
    Task,
    UnsupportedCapabilityError,
    encode_task,
)


def test_a_fake_clock_goes_on_only_when_told():
    """Both of its times alike."""
    clock = FakeClock(100)
    begin = clock.monotonic()
    clock.advance(2.5)
    assert clock.time() == 102.5
    assert clock.monotonic() - begin == 2.5
    assert clock.stamp() == "1970-01-01T00:01:42Z"


def test_a_wait_on_a_fake_clock_takes_no_time_but_its_own():
    """It ends early only when the event is set."""
    event = threading.Event()
    clock = FakeClock(0)
    assert clock.wait(event, 3600) is False
    clock.on_wait = event.set
    assert clock.wait(event, 60) is True
    assert clock.wait(event, 60) is True
    assert (clock.time(), clock.waits) == (3660, [3600, 60])


def test_a_recording_bus_delivers_its_bodies_once():
    """And then it is exhausted."""
    consumer = RecordingBus([b"a", b"b", b"c"]).subscribe("load", "load")
    assert [d.body for d in consumer.receive(2, 0)] == [b"a", b"b"]
    assert [d.body for d in consumer.receive(2, 0)] == [b"c"]
    assert consumer.exhausted
    assert list(consumer.receive(2, 0)) == []


def test_a_recording_bus_writes_down_what_changes_anything():
    """In the order of the calls."""
    bus = RecordingBus([b"a", b"b"])
    consumer = bus.subscribe("load", "load")
    held = consumer.receive(2, 0)
    consumer.extend(held)
    consumer.settle(held[:1], [Message("done", b"x")])
    consumer.nack(held[1:], 5.0)
    bus.close()
    assert bus.calls == [
        ("extend", [b"a", b"b"]),
        ("send", [b"x"]),
        ("ack", [b"a"]),
        ("nack", [b"b"]),
        ("close", []),
    ]
    assert [message.topic for message in bus.sent] == ["done"]


def test_a_recording_bus_refuses_what_it_does_not_declare():
    """Like any bus; nothing is written down then."""
    bus = RecordingBus([b"a"], Capabilities(ack=True, nack=True))
    consumer = bus.subscribe("load", "load")
    held = consumer.receive(1, 0)
    for call in (
        lambda: consumer.extend(held),
        lambda: consumer.nack(held, 1.0),
        lambda: bus.producer().send([Message("done", b"x", delay=1)]),
    ):
        with pytest.raises(UnsupportedCapabilityError):
            call()
    assert bus.calls == []


def test_a_closed_end_of_a_recording_bus_says_so():
    """As the contract asks."""
    bus = RecordingBus([b"a"])
    consumer, producer = bus.subscribe("load", "load"), bus.producer()
    consumer.close()
    producer.close()
    with pytest.raises(BusClosedError):
        consumer.receive(1, 0)
    with pytest.raises(BusClosedError):
        producer.send([Message("done", b"x")])


def test_a_flaky_bus_refuses_failures_of_what_is_no_call():
    """The test would pass without an outage."""
    with pytest.raises(ValueError, match=r"'recieve': there is receive, send, "):
        FlakyBus([b"a"], failures={"send": [], "recieve": [BusConnectionError("x")]})


def test_a_flaky_bus_fails_as_told_and_then_works():
    """Each error once, in its order, and what failed has not happened."""
    away = BusConnectionError("away")
    refused = BusError("refused")
    calls = {"receive": [away], "send": [away, refused], "ack": [away]}
    bus = FlakyBus([b"a"], failures=calls)
    consumer, messages = bus.subscribe("load", "load"), [Message("done", b"b")]
    with pytest.raises(BusConnectionError):
        consumer.receive(1, 0)
    held = consumer.receive(1, 0)
    for error in (away, refused):
        with pytest.raises(type(error), match=str(error)):
            consumer.settle(held, messages)
        assert bus.sent == bus.calls == []
    with pytest.raises(BusConnectionError):
        consumer.settle(held, messages)
    assert bus.calls == [("send", [b"b"])]
    consumer.settle(held, [])
    assert bus.calls[-1] == ("ack", [b"a"])


def test_a_taskmaster_can_be_tried_in_an_outage():
    """Its pauses are those of the clock in the test."""

    def run(ctx):
        for task in ctx.deliveries("load", "load"):
            ctx.send(Task.new("next", task.info))

    away, clock = BusConnectionError("away"), FakeClock()
    bodies = [encode_task(Task.new("load", "a"))]
    bus = FlakyBus(bodies, failures={"receive": [away] * 5, "ack": [away]})
    sent = run_taskmaster(run, bus=bus, clock=clock)
    assert {(task.info, topic) for task, topic in sent} == {("a", "next")}
    assert len(clock.waits) == 6
