"""Rules of `task_core.client.outbox`: what is sent within transactions of others."""

import pytest

from task_core import connect
from task_core.api import (
    Bus,
    BusClosedError,
    Capabilities,
    Consumer,
    Message,
    PayloadError,
    Producer,
    Task,
    UnsupportedCapabilityError,
    UsageError,
)
from task_core.client.client import Client
from task_core.launcher.prefix import PrefixBus


class Within(Producer):
    """Sends by noting it in the connection, which is a list here."""

    def _send(self, messages):
        raise AssertionError("this goes over the bus")

    def _send_within(self, messages, connection):
        connection += messages


class Database(Bus):
    """A bus in a database that remembers how often it was opened."""

    opened = 0

    def __init__(self, **more):
        Database.opened += 1
        super().__init__("database", Capabilities(outbox=True, **more))

    def _subscribe(self, topic, channel, *, prefetch, temporary) -> Consumer:
        raise NotImplementedError

    def _producer(self):
        return Within(self)


@pytest.fixture
def tasks():
    with Client(Database, "done", "database") as tasks:
        yield tasks


def test_a_task_goes_over_the_connection_that_is_given(tasks):
    """And over nothing else; one bus serves all of them."""
    first, second = [], []
    before = Database.opened
    tasks.send("load", "a", connection=first)
    tasks.send_many([Task.new("load", "b"), Task.new("echo")], connection=second)
    assert [one.topic for one in first] == ["load"]
    assert [one.topic for one in second] == ["load", "echo"]
    assert Database.opened == before + 1


def test_a_prefix_is_put_before_topics_there_too():
    """Two environments may share the database."""
    sent = []
    with Client(lambda: PrefixBus(Database(), "x."), "done", "database") as tasks:
        tasks.send("load", connection=sent)
    assert [one.topic for one in sent] == ["x.load"]


def test_a_bus_outside_of_a_database_refuses():
    """Nothing is sent by another way."""
    with connect("memory:outbox") as tasks:
        with pytest.raises(UnsupportedCapabilityError, match="outbox"):
            tasks.send("load", connection=object())
        assert list(tasks.read("load", channel="c", timeout=0)) == []


def test_what_is_to_be_sent_once_cannot_be_rolled_back(tasks):
    """Who remembers it would refuse it for ever."""
    with pytest.raises(UsageError, match="does not see a rollback"):
        tasks.send("load", unique="1h", connection=[])


def test_what_cannot_be_carried_is_refused_before():
    """As without a connection."""
    sent = []
    tasks = Client(lambda: Database(max_bytes=10), "done", "database")
    with tasks, pytest.raises(PayloadError, match="at most 10 bytes"):
        tasks.send("load", connection=sent)
    assert sent == []


def test_a_closed_client_sends_nothing(tasks):
    """Over no connection."""
    tasks.close()
    with pytest.raises(BusClosedError):
        tasks.send("load", connection=[])


def test_no_messages_need_no_connection():
    """Nor does the producer look at it."""
    Database().producer().send_within([], None)


def test_an_author_who_declares_it_must_write_it():
    """The error names the hook."""

    class Lacking(Within):
        _send_within = Producer._send_within

    with pytest.raises(NotImplementedError, match="Lacking._send_within"):
        Lacking(Database()).send_within([Message("t", b"1")], object())
