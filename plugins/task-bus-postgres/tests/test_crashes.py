"""What was confirmed outlives the server, and what is held outlives a connection."""

import threading
import time
from datetime import timedelta

import pytest
from brokers.ports import split
from brokers.postgres import Postgres
from brokers.proxy import Proxy
from postgres_server import insist
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.plugin import postgres as plugin

from task_core.api import (
    BusConnectionError,
    BusContext,
    LeaseLostError,
    Message,
    SendError,
)

COUNT, BATCH = 2000, 50
PATIENCE = 60


@pytest.fixture(scope="module")
def own():
    """A server that this module may kill."""
    server = Postgres()
    insist(server.start)
    yield server
    server.close()


@pytest.fixture
def open_at():
    opened = []

    def open_at(address, lease=5.0, **more):
        host, port = split(address)
        where = {"host": host, "port": port, "user": "postgres", "dbname": "postgres"}
        options = PostgresOptions(**where, **more)
        opened.append(plugin.open(options, BusContext(lease=lease)))
        return opened[-1]

    yield open_at
    for bus in opened:
        bus.close()


def receive_all(consumer, count):
    """Receive so many, and what else there is; settle them, each with a done task."""
    found, deadline = [], time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline, f"only {len(found)} came"
        try:
            came = consumer.receive(1000, 1)
            consumer.settle(came, [Message("done", one.body) for one in came])
        except (BusConnectionError, SendError):
            time.sleep(0.05)  # it starts; nothing tells when it is back
            continue
        except LeaseLostError:
            continue
        found += [one.body for one in came]
        if len(found) >= count and not came:
            return found


def test_what_was_confirmed_survives_a_kill_of_the_server(own, open_at, topic):
    """And what was settled does not come again."""
    bus = open_at(own.address)
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    bodies = [b"%04d" % number for number in range(COUNT)]
    for at in range(0, COUNT, BATCH):
        producer.send([Message(topic, body) for body in bodies[at : at + BATCH]])
    held = consumer.receive(BATCH, 5)
    consumer.settle(held, [Message("done", b"x")])
    own.kill()
    own.start()
    assert receive_all(consumer, COUNT - len(held)) == bodies[len(held) :]


def test_what_is_held_can_be_settled_over_a_new_connection(own, open_at, topic):
    """A connection that is cut costs no duplicate."""
    with Proxy(own.address) as proxy:
        bus = open_at(proxy.address)
        consumer, producer = bus.subscribe(topic, "c"), bus.producer()
        producer.send([Message(topic, b"a"), Message(topic, b"b")])
        held = consumer.receive(1, 5)
        proxy.cut()
        with pytest.raises((BusConnectionError, SendError)):
            consumer.settle(held, [])
        consumer.settle(held, [])
        assert receive_all(consumer, 1) == [b"b"]


def test_who_sleeps_is_woken_over_a_new_connection_too(own, open_at, topic):
    """It would not look by itself within this test."""
    with Proxy(own.address) as proxy:
        bus = open_at(proxy.address, poll=timedelta(seconds=60))
        consumer, producer = bus.subscribe(topic, "c"), bus.producer()
        producer.send([Message(topic, b"a"), Message(topic, b"b")])
        held = consumer.receive(1, 5)
        assert len(consumer.receive(1, 5)) == 1
        assert consumer.receive(1, 0.5) == ()
        proxy.cut()
        with pytest.raises((BusConnectionError, SendError)):
            consumer.settle(held, [])
        consumer.settle(held, [])
        sender = open_at(own.address).producer()
        timer = threading.Timer(2, lambda: sender.send([Message(topic, b"c")]))
        timer.start()
        assert [one.body for one in consumer.receive(1, 40)] == [b"c"]
        timer.join()


def test_a_server_that_hangs_is_given_up(own, open_at, topic):
    """The next receive is not misled by an answer that comes late."""
    bus = open_at(own.address, timeout=timedelta(seconds=3))
    consumer = bus.subscribe(topic, "c")
    consumer.receive(1, 0.1)
    own.pause()
    try:
        with pytest.raises(BusConnectionError, match="does not answer in time"):
            consumer.receive(1, 30)
    finally:
        own.resume()
    open_at(own.address).producer().send([Message(topic, b"a")])
    assert receive_all(consumer, 1) == [b"a"]


def test_what_was_held_on_a_deleted_channel_is_lost_and_no_fault(own, open_at, topic):
    """Its done task is not sent: the task was taken away."""
    bus = open_at(own.address)
    consumer = bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"a")])
    held = consumer.receive(1, 5)
    bus.forget(topic)
    with pytest.raises(LeaseLostError):
        consumer.settle(held, [Message(topic, b"done")])
    assert consumer.receive(1, 0.1) == ()


def test_what_was_given_back_is_told_apart_from_what_was_lost(own, open_at, topic):
    """With a delay or without, and over both."""
    bus = open_at(own.address, lease=0.5)
    consumer = bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"a")])
    counts = []
    for delay in (0, 0.05, None, 0, None):
        (held,) = consumer.receive(1, 5)
        counts.append((held.attempt, held.returned))
        if delay is not None:
            consumer.nack([held], delay=delay)
    (held,) = consumer.receive(1, 5)
    counts.append((held.attempt, held.returned))
    assert counts == [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)]
    consumer.ack([held])


def test_a_server_that_hung_up_meanwhile_is_connected_to_anew(own, open_at, topic):
    """Idle connections are closed by many servers, and by what is in between."""
    with Proxy(own.address) as proxy:
        bus = open_at(proxy.address)
        producer = bus.producer()
        producer.send([Message(topic, b"a")])
        proxy.cut()
        bus._link._used_at -= 2  # as after so many seconds
        producer.send([Message(topic, b"b")])
        found = bus.subscribe(topic, "c").receive(9, 5)
        assert [one.body for one in found] == [b"a", b"b"]


def test_tables_that_were_dropped_are_made_again(own, open_at, topic):
    """What was in them is gone, and the next use says so once."""
    import psycopg

    bus = open_at(own.address)
    producer = bus.producer()
    producer.send([Message(topic, b"a")])
    with psycopg.connect(own.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA task CASCADE")
    with pytest.raises(SendError) as caught:
        producer.send([Message(topic, b"b")])
    assert caught.value.transient
    producer.send([Message(topic, b"c")])
    assert bus.peek(topic, 9) == [b"c"]
