"""Messages that are too long: for the server, or for what is set of a topic."""

import pytest
from brokers.insist import again, present
from brokers.nats import Nats
from nats_backdoor import Client
from task_bus_nats.headers import size_of
from task_bus_nats.options import NatsOptions

from task_core.api import Message, PayloadError, SendError

RESERVE = 4096
"""Bytes that the bus leaves for headers."""


@pytest.fixture
def bounded(open_bus, topic, nats):
    """A topic whose messages may have 1000 bytes; return a function that bounds it."""

    def bound():
        with Client(nats.address, NatsOptions()) as client:
            config = client.api(f"STREAM.INFO.task_{topic}")["config"]
            config["max_msg_size"] = 1000
            assert "config" in client.api(f"STREAM.UPDATE.task_{topic}", **config)

    open_bus().subscribe(topic, "c")
    return bound


@pytest.fixture
def begins_late(open_at):
    """Open a bus before its server begins; return both when it has."""
    servers = []

    def begins_late(max_payload):
        servers.append(Nats(options={"max_payload": max_payload}))
        bus = open_at(servers[-1])
        present(servers[-1].start)
        return bus

    yield begins_late
    for server in servers:
        server.close()


def test_what_is_too_long_with_its_headers_is_refused(open_bus, topic):
    """The server counts both, and would hang up."""
    bus = open_bus()
    most = bus.capabilities.max_bytes
    headers = {"h": "x" * 8000}
    messages = [Message(topic, b"1"), Message(topic, b"x" * most, headers=headers)]
    with pytest.raises(PayloadError, match="max_payload") as caught:
        bus.producer().send(messages)
    assert caught.value.refused == (1,)
    bus.ping()


def test_a_server_that_begins_late_carries_what_it_says(begins_late, topic):
    """Not what most servers do, for as long as the bus is open."""
    bus = begins_late(4_000_000)
    again(lambda: bus.producer().send([Message(topic, b"x" * 2_000_000)]))
    (one,) = bus.subscribe(topic, "c").receive(1, 10)
    assert len(one.body) == 2_000_000
    assert bus.capabilities.max_bytes == 4_000_000 - RESERVE


def test_a_server_that_begins_late_and_takes_less_is_not_sent_more(begins_late, topic):
    """It would hang up; and whoever cuts something short must know to which length."""
    bus = begins_late(100_000)
    messages = [Message(topic, b"1"), Message(topic, b"x" * 200_000)]
    with pytest.raises(PayloadError, match="at most 100000 bytes") as caught:
        again(lambda: bus.producer().send(messages))
    assert caught.value.refused == (1,)
    assert bus.capabilities.max_bytes == 100_000 - RESERVE
    assert bus.depth(topic, "c") == 0


def test_what_is_too_long_for_its_topic_is_refused_and_nothing_is_sent(
    bounded, open_bus, topic
):
    """As what is too long for all: a short report can take its place."""
    bounded()
    bus = open_bus()
    messages = [Message(topic, b"1"), Message(topic, b"x" * 1001)]
    with pytest.raises(PayloadError, match="takes at most 1000 bytes") as caught:
        bus.producer().send(messages)
    assert caught.value.refused == (1,)
    bus.producer().send([Message(topic, b"x" * 1000)])
    assert bus.depth(topic, "c") == 1


HEADERS = {"h": "x" * 200}


@pytest.mark.parametrize("more", [{"headers": HEADERS}, {"delay": 0.1}])
def test_what_is_too_long_for_its_topic_with_its_headers_is_refused_to_the_byte(
    bounded, open_bus, topic, more
):
    """A delay is told in headers, too; others are sent when the server finds it."""
    bounded()
    bus = open_bus()
    if "delay" in more and not bus.capabilities.delay:
        pytest.skip("not offered: delay on this server")
    some = Message(topic, b"", **more)
    body = b"x" * (1000 - size_of(some, bus._names))
    messages = [Message(topic, b"1"), Message(topic, body + b"x", **more)]
    with pytest.raises(PayloadError, match="takes at most 1000 bytes") as caught:
        bus.producer().send(messages)
    assert caught.value.refused == (1,)
    bus.producer().send([Message(topic, body, **more)])
    (one,) = bus.subscribe(topic, "c").receive(1, 60)
    assert one.body == body


def test_what_is_sent_later_counts_with_what_tells_when(begins_late, topic):
    """The server would hang up on what others wait for as well."""
    bus = begins_late(100_000)
    if not bus.capabilities.delay:
        pytest.skip("not offered: delay on this server")
    with pytest.raises(PayloadError, match="at most 100000 bytes"):
        again(lambda: bus.producer().send([Message(topic, b"x" * 99_990, delay=1.0)]))


def test_one_that_is_too_long_since_just_now_is_refused(bounded, open_bus, topic):
    """The server says so: nothing was sent."""
    bus = open_bus()
    bus.producer().send([Message(topic, b"1")])
    bounded()
    with pytest.raises(PayloadError, match="exceeds maximum") as caught:
        bus.producer().send([Message(topic, b"x" * 1001)])
    assert caught.value.refused == (0,)


def test_a_batch_with_one_that_is_too_long_since_just_now_is_refused_the_next_time(
    bounded, open_bus, topic
):
    """Others of it were sent, so to try again may help: then it is told which."""
    bus = open_bus()
    bus.producer().send([Message(topic, b"1")])
    bounded()
    messages = [Message(topic, b"2"), Message(topic, b"x" * 1001)]
    with pytest.raises(SendError) as caught:
        bus.producer().send(messages)
    assert (caught.value.unsent, caught.value.transient) == ((1,), True)
    with pytest.raises(PayloadError) as refused:
        bus.producer().send(messages)
    assert refused.value.refused == (1,)
