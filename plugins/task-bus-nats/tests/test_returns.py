"""What was given back is written down beside it, and nothing depends on that."""

import pytest
from brokers.nats import Nats
from nats_backdoor import Client
from task_bus_nats.options import NatsOptions
from task_bus_nats.wire import Frame

from task_core.api import BusConnectionError, Message

BODIES = [b"a", b"b", b"c", b"d"]
DENIED = ["task-returned.>", "$JS.API.STREAM.*.task-returned", "$JS.API.STREAM.MSG.>"]


@pytest.fixture
def numbers(nats):
    """Count what is written down of a topic, or of one of its channels."""

    def numbers(topic, channel="*"):
        place = f"task-returned.task_{topic}.{channel}.*"
        with Client(nats.address, NatsOptions()) as client:
            told = client.api("STREAM.INFO.task-returned", subjects_filter=place)
        return len(told["state"].get("subjects") or ())

    return numbers


def receive(consumer):
    """Receive all: those that nobody held for long, and those that come again."""
    found = []
    while len(found) < len(BODIES):
        found += consumer.receive(len(BODIES), 10)
    return sorted(found, key=lambda one: one.body)


def counts(consumer):
    return [(one.attempt, one.returned) for one in receive(consumer)]


@pytest.fixture
def given_back(open_bus, topic):
    """A bus, and a reader that has given back all that there is."""
    bus = open_bus()
    bus.producer().send([Message(topic, body) for body in BODIES])
    consumer = bus.subscribe(topic, "c")
    consumer.nack(receive(consumer))
    return bus, consumer


def test_each_of_a_batch_has_its_own_number(given_back, open_bus, topic):
    """Whoever receives it, and in which order."""
    _, consumer = given_back
    first, *others = receive(consumer)
    consumer.nack([first])
    (again,) = consumer.receive(9, 10)
    assert (again.attempt, again.returned) == (3, 2)
    consumer.nack([*others[::-1], again])
    other = open_bus().subscribe(topic, "c")
    assert counts(other) == [(4, 3), (3, 2), (3, 2), (3, 2)]


def test_a_topic_or_a_channel_that_is_deleted_counts_anew(given_back, numbers, topic):
    """One of the same name has other messages."""
    bus, _ = given_back
    other = bus.subscribe(topic, "other")
    bus.producer().send([Message(topic, body) for body in BODIES])
    other.nack(receive(other))
    assert numbers(topic) == 2 * len(BODIES)
    bus.forget(topic, "c")
    assert (numbers(topic, "c"), numbers(topic)) == (0, len(BODIES))
    bus.forget(topic)
    assert numbers(topic) == 0


def test_a_deleted_stream_of_numbers_is_made_again(start, open_at, topic):
    """Until then nothing is known, and nothing fails."""
    server = start(Nats)
    bus = open_at(server)
    bus.producer().send([Message(topic, body) for body in BODIES])
    consumer = bus.subscribe(topic, "c")
    consumer.nack(receive(consumer))
    with Client(server.address, NatsOptions()) as client:
        assert client.api("STREAM.DELETE.task-returned")["success"]
    found = receive(consumer)
    assert [(one.attempt, one.returned) for one in found] == [(2, 0)] * len(BODIES)
    consumer.nack(found)
    assert counts(consumer) == [(3, 1)] * len(BODIES)


def _cut(questions):
    raise BusConnectionError("cut")


def _offline(questions):
    body = b'{"error": {"code": 500, "err_code": 10118}}'
    return [Frame(b"_INBOX.1.0", b"1", b"", b"", body)] * len(questions)


@pytest.mark.parametrize("fails", [_cut, _offline])
def test_what_could_not_be_looked_up_keeps_its_number(
    given_back, topic, monkeypatch, fails
):
    """A smaller one would make a sound task one that kills, at the next receipt."""
    bus, consumer = given_back
    for _ in range(2):
        consumer.nack(receive(consumer))
    with monkeypatch.context() as patch:
        patch.setattr(bus._link, "ask_all", fails)
        found = receive(consumer)
    told = [(one.attempt, one.returned, one.unsure) for one in found]
    assert told == [(4, 0, 3)] * len(BODIES)
    consumer.nack(found)
    found = receive(consumer)
    told = [(one.attempt, one.returned, one.unsure) for one in found]
    assert told == [(5, 3, 0)] * len(BODIES)


@pytest.mark.parametrize("right", DENIED)
def test_without_rights_to_numbers_all_else_works(start, open_at, topic, right):
    """Then each receipt counts; one connection is lost to find out."""
    who = {"user": "few", "password": "pw", "permissions": {"publish": {"deny": right}}}
    server = start(Nats, options={"authorization": {"users": [who]}})
    bus = open_at(server, user="few", password="pw")
    bus.producer().send([Message(topic, body) for body in BODIES])
    consumer = bus.subscribe(topic, "c")
    for attempt in (1, 2, 3):
        found = receive(consumer)
        told = [(it.attempt, it.returned, it.unsure) for it in found]
        assert told == [(attempt, 0, attempt - 1)] * 4
        consumer.nack(found)
    consumer.ack(receive(consumer))
    bus.forget(topic)
    assert bus._link.number == 2
