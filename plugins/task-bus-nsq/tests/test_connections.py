"""Connections: to what is no nsqd, closed ones, and those that break at a bad time."""

import time

import pytest
from nsq_backdoor import NsqBackdoor

from task_core.api import BusClosedError, BusConnectionError, BusError, Message


def test_a_connection_that_breaks_while_it_is_asked_is_told_at_once(start_nsqd, buses):
    nsqd = start_nsqd()
    NsqBackdoor(nsqd).put("t", [b"1"])
    consumer = buses(nsqd=(nsqd.tcp,)).subscribe("t", "c")
    held = consumer.receive(1, 5)
    consumer._crew.readers[0].made_at -= 1  # as if it had worked for a while
    nsqd.kill()
    consumer.finish(held)
    time.sleep(0.1)  # until that was written: the next write is one too many
    begin = time.monotonic()
    with pytest.raises(BusConnectionError):
        consumer.receive(1, 10)
    assert time.monotonic() - begin < 2


def test_what_is_no_nsqd_is_told_apart_from_one_that_is_away(nsqd, buses):
    bus = buses(nsqd=(nsqd.http,))
    with pytest.raises(BusError, match=f"{nsqd.http} does not answer as an nsqd"):
        bus.subscribe("t", "c")
    with pytest.raises(BusError, match="TCP protocol") as caught:
        bus.producer().send([Message("t", b"1")])
    assert not isinstance(caught.value, BusConnectionError)


def test_parts_tell_whether_they_were_closed(nsqd, buses):
    bus = buses(nsqd=(nsqd.tcp,))
    producer, consumer = bus.producer(), bus.subscribe("t", "c")
    parts = producer, consumer, bus
    assert not any(part.closed for part in parts)
    for part in parts:
        part.close()
    assert all(part.closed for part in parts)
    with pytest.raises(BusClosedError):
        producer.prepare(["t"])
