"""What was confirmed outlives the server, and what is held outlives a connection."""

import threading
from datetime import timedelta

import psycopg
import pytest
from brokers.crashes import CrashRules, LostRules
from brokers.insist import again
from brokers.postgres import Postgres
from brokers.proxy import Proxy

from task_core.api import BusConnectionError, Message, SendError


@pytest.fixture(scope="module")
def own(start):
    """A server that this module may kill."""
    return start(Postgres)


class TestCrashes(CrashRules, LostRules):
    patience = "timeout", 3.0
    waits = 30.0


def test_who_sleeps_is_woken_over_a_new_connection_too(own, open_at, topic):
    """It would not look by itself within this test."""
    with Proxy(own.address) as proxy:
        bus = open_at(proxy, poll=timedelta(seconds=60))
        consumer, producer = bus.subscribe(topic, "c"), bus.producer()
        producer.send([Message(topic, b"a"), Message(topic, b"b")])
        held = consumer.receive(1, 5)
        assert len(consumer.receive(1, 5)) == 1
        assert consumer.receive(1, 0.5) == ()
        proxy.cut()
        with pytest.raises((BusConnectionError, SendError)):
            consumer.settle(held, [])
        again(lambda: consumer.settle(held, []))
        sender = open_at(own).producer()
        timer = threading.Timer(2, lambda: sender.send([Message(topic, b"c")]))
        timer.start()
        assert [one.body for one in consumer.receive(1, 40)] == [b"c"]
        timer.join()


def test_tables_that_were_dropped_are_made_again(own, open_at, topic):
    """What was in them is gone, and the next use says so once."""
    bus = open_at(own)
    producer = bus.producer()
    producer.send([Message(topic, b"a")])
    with psycopg.connect(own.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA task CASCADE")
    with pytest.raises(SendError) as caught:
        producer.send([Message(topic, b"b")])
    assert caught.value.transient
    producer.send([Message(topic, b"c")])
    assert bus.peek(topic, 9) == [b"c"]
