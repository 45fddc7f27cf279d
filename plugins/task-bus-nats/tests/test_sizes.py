"""Messages that are too long: for the server, or for what is set of a topic."""

import pytest
from brokers.insist import again, present
from brokers.nats import Nats

from task_core.api import Message, PayloadError

RESERVE = 4096
"""Bytes that the bus leaves for headers."""


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
