"""What was confirmed outlives the server, and what is held outlives a connection."""

import time
import uuid
from datetime import timedelta

import pytest
from brokers.proxy import Proxy

from task_core.api import (
    BusConnectionError,
    LeaseLostError,
    Message,
    SendError,
)

COUNT, BATCH = 2000, 50
PATIENCE = 60.0


@pytest.fixture
def topic():
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def own(start):
    """A server that a test may kill."""
    return start()


def receive_all(consumer, count):
    """Receive so many, and what else there is; settle them, each with a done task."""
    found, deadline = [], time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            came = consumer.receive(1000, 0.5)
            consumer.settle(came, [Message("done", one.body) for one in came])
        except (BusConnectionError, SendError):
            time.sleep(0.05)  # nothing tells when it is back
            continue
        found.extend(one.body for one in came)
        if len(found) >= count and not came:
            break
    return found


def test_what_was_confirmed_survives_a_kill_of_the_server(own, open_at, topic):
    """Each message; what was acknowledged may come again, and is no more than that."""
    bus = open_at(own, lease=30.0)
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    bodies = [b"%04d" % number for number in range(COUNT)]
    for at in range(0, COUNT, BATCH):
        producer.send([Message(topic, body) for body in bodies[at : at + BATCH]])
    held = consumer.receive(BATCH, 5)
    consumer.settle(held, [Message("done", b"x")])
    own.kill()
    own.start()
    found = receive_all(consumer, COUNT - BATCH)
    assert set(found) >= set(bodies[BATCH:])
    assert set(found) <= set(bodies)


def test_what_is_held_can_be_settled_over_a_new_connection(own, open_at, topic):
    """A connection that is cut costs no duplicate."""
    with Proxy(own.address) as proxy:
        bus = open_at(proxy)
        consumer, producer = bus.subscribe(topic, "c"), bus.producer()
        producer.send([Message(topic, b"a"), Message(topic, b"b")])
        held = consumer.receive(1, 5)
        proxy.cut()
        with pytest.raises((BusConnectionError, SendError)):
            consumer.settle(held, [Message("done", b"a")])
        consumer.settle(held, [Message("done", b"a")])
        assert receive_all(consumer, 1) == [b"b"]


def test_a_server_that_hangs_is_given_up(own, open_at, topic):
    """The next receive is not misled by what it says later."""
    bus = open_at(own, connect_timeout=timedelta(seconds=0.5))
    consumer = bus.subscribe(topic, "c")
    consumer.receive(1, 0.1)
    own.pause()
    try:
        with pytest.raises(BusConnectionError, match="no answer in time"):
            consumer.receive(1, 0.1)
    finally:
        own.resume()
    open_at(own).producer().send([Message(topic, b"a")])
    assert receive_all(consumer, 1) == [b"a"]


def test_what_was_given_back_is_told_apart_from_what_was_lost(own, open_at, topic):
    """With a delay or without, and over both."""
    bus = open_at(own, lease=0.5)
    consumer = bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"a")])
    counts = []
    for delay in (0, 0.05, None, 0, None):
        (held,) = consumer.receive(1, 10)
        counts.append((held.attempt, held.returned))
        if delay is not None:
            consumer.nack([held], delay=delay)
    (held,) = consumer.receive(1, 10)
    counts.append((held.attempt, held.returned))
    assert counts == [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)]


def test_a_server_that_hung_up_meanwhile_is_connected_to_anew(own, open_at, topic):
    """Idle connections are closed by what is in between; nobody needs to know."""
    with Proxy(own.address) as proxy:
        bus = open_at(proxy)
        producer = bus.producer()
        producer.send([Message(topic, b"a")])
        proxy.cut()
        bus._link._used_at -= 2  # as after so many seconds
        producer.send([Message(topic, b"b")])
        found = bus.subscribe(topic, "c").receive(9, 5)
        assert [one.body for one in found] == [b"a", b"b"]


def test_another_server_is_taken_when_one_is_gone(own, open_at, start, topic):
    """Of those that are named."""
    other = start()
    host = f"{own.address},{other.address}"
    bus = open_at(own, host=host)
    bus.ping()
    own.stop()
    with pytest.raises(BusConnectionError):
        bus.ping()
    bus.ping()
    assert bus._link.address == other.address


def test_what_a_killed_reader_held_is_back_within_its_lease(own, open_at, topic):
    """Whoever waits gets it as soon as it is free."""
    with Proxy(own.address) as proxy:
        dying, heir = open_at(proxy, lease=1.0), open_at(own, lease=1.0)
        heir.producer().send([Message(topic, b"a")])
        first = dying.subscribe(topic, "c")
        (held,) = first.receive(1, 5)
        proxy.cut()
        (again,) = heir.subscribe(topic, "c").receive(1, 10)
        assert (again.body, again.attempt, again.returned) == (b"a", 2, 0)
        with pytest.raises(LeaseLostError):
            first.ack([held])
