"""What is too long for a topic, alone or together with others."""

import os
from itertools import chain
from types import SimpleNamespace

import pytest
from kafka import errors as kafka_errors
from task_bus_kafka.errors import Errors
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.producer import KafkaProducer
from task_bus_kafka.records import Outgoing, size_of
from task_bus_kafka.settings import BATCH

from task_core.api import Capabilities, Message, PayloadError, SendError

LONG = b"x" * 50_000


def test_what_a_topic_cannot_take_is_singled_out_and_nothing_is_sent(
    open_bus, backdoor, topic
):
    """Else the others would be sent again, with what takes its place."""
    backdoor.make_with(topic, max_message_bytes=10_000)
    producer = open_bus(partitions=1).producer()
    bodies = [b"1", LONG, b"2", LONG, b"3"]
    with pytest.raises(PayloadError, match=topic) as caught:
        producer.send([Message(topic, body) for body in bodies])
    assert caught.value.refused == (1, 3)
    producer.send([Message(topic, body) for body in bodies[::2]])
    assert backdoor.take(topic) == [b"1", b"2", b"3"]


def test_where_no_limit_is_told_a_broker_finds_what_is_too_long(
    open_bus, backdoor, topic
):
    """The batch is refused as a whole, so each is tried alone."""
    backdoor.make_with(topic, max_message_bytes=10_000)
    producer = open_bus(partitions=1).producer()
    producer._limits.learn = lambda topics: None
    bodies = [b"1", LONG, b"2", LONG, b"3"]
    with pytest.raises(PayloadError, match=topic) as caught:
        producer.send([Message(topic, body) for body in bodies])
    assert caught.value.refused == (1, 3)
    producer.send([Message(topic, b"4")])
    assert set(backdoor.take(topic)) == {b"1", b"2", b"3", b"4"}


@pytest.mark.parametrize("key", [None, "k" * 70])
def test_what_just_fits_is_sent(open_bus, backdoor, topic, key):
    """What is reckoned is what goes over the wire, to the byte."""
    headers, key_bytes = [("task-x", b"y" * 200)], key and key.encode()
    room = 9_000
    while size_of(Outgoing(topic, b"x" * room, key_bytes, None, headers)) < 10_000:
        room += 1
    backdoor.make_with(topic, max_message_bytes=10_000)
    producer = open_bus(partitions=1).producer()
    more = {"key": key, "headers": {"task-x": "y" * 200}}
    producer.send([Message(topic, b"x" * room, **more)])
    with pytest.raises(PayloadError, match="10000 bytes.*this one has 10001"):
        producer.send([Message(topic, b"x" * (room + 1), **more)])
    assert backdoor.take(topic) == [b"x" * room]


@pytest.mark.parametrize("transactions", [False, True])
def test_many_that_fit_one_by_one_are_sent_though_not_together(
    open_bus, backdoor, topic, transactions
):
    """A library makes one batch of what goes to one partition."""
    backdoor.make_with(topic, max_message_bytes=10_000)
    backdoor.put(f"{topic}-in", [b"task"])
    bus = open_bus(partitions=1, transactions=transactions)
    consumer = bus.subscribe(f"{topic}-in", "group")
    held = consumer.receive(1, 60)
    bodies = [b"%d" % number * 6_000 for number in range(9)]
    consumer.settle(held, [Message(topic, body) for body in bodies])
    assert backdoor.take(topic) == bodies


@pytest.fixture
def settler(open_bus, backdoor, topic, client):
    """Open a bus with what it is given; return what settles a task with bodies.

    Brokers do not tell what the topic takes: the bodies are compressed, in vain.
    """
    backdoor.make_with(topic, max_message_bytes=10_000)
    name = "compression_type" if client is Client.PYTHON else "compression.type"

    def settler(**more):
        bus = open_bus(partitions=1, settings=(f"{name}=gzip",), **more)
        consumer = bus.subscribe(f"{topic}-in", "group")

        def settle(bodies):
            backdoor.put(f"{topic}-in", [b"task"])
            held = consumer.receive(1, 60)
            consumer.settle(held, [Message(topic, body) for body in bodies])
            assert bus.depth(f"{topic}-in", "group") == 0

        return settle

    return settler


@pytest.mark.parametrize("transactions", [False, True])
def test_many_that_fit_one_by_one_are_sent_though_no_limit_is_told(
    settler, backdoor, topic, transactions
):
    """Each once, and so are those that come after them, fewer at once."""
    settle = settler(transactions=transactions)
    batches = [[os.urandom(3_000) for _ in range(12)] for _ in range(4)]
    for bodies in batches:
        settle(bodies)
    assert sorted(backdoor.take(topic)) == sorted(chain(*batches))


@pytest.mark.parametrize("transactions", [False, True])
def test_more_than_a_batch_that_fit_one_by_one_are_sent_though_no_limit_is_told(
    settler, backdoor, topic, transactions
):
    """What a library has not sent by then goes with the batch that is refused."""
    bodies = [os.urandom(6_000) for _ in range(3 * BATCH // 2 // 6_000)]
    settler(transactions=transactions)(bodies)
    assert sorted(backdoor.take(topic)) == sorted(bodies)


def test_all_that_a_transaction_cannot_take_is_told_at_once(settler, backdoor, topic):
    """One a try, a launcher would take the last of many for one that never fits."""
    settle = settler(transactions=True)
    short = [os.urandom(100) for _ in range(3)]
    bodies = [short[0], *[os.urandom(50_000) for _ in range(7)], *short[1:]]
    with pytest.raises(PayloadError) as caught:
        settle(bodies)
    assert caught.value.refused == tuple(range(1, 8))
    assert backdoor.take(topic) == []


class Brokers:
    """Have taken all but some of a batch, of which they then say something else."""

    largest = None

    def __init__(self, *refused, then=None):
        self.refused = refused
        self.then = then
        self.alone = []

    def partitions(self, topic):
        return (0,)

    def send(self, outgoing):
        if len(outgoing) > 1:
            too_large = kafka_errors.MessageSizeTooLargeError()
            numbers = range(len(outgoing))
            return [too_large if at in self.refused else None for at in numbers]
        self.alone += [one.body for one in outgoing]
        return [self.then]

    def close(self):
        pass


MESSAGES = [Message("t", b"%d" % at) for at in range(5)]


@pytest.fixture
def producer_at():
    """Make a producer of brokers that are none."""
    admin = SimpleNamespace(ensure=lambda topics: None, limits=lambda topics: {})
    bus = SimpleNamespace(name="kafka", capabilities=Capabilities(), closed=False)
    options = KafkaOptions()
    more = [admin, Errors(options), options]
    return lambda brokers: KafkaProducer(bus, lambda: brokers, *more)


@pytest.fixture
def send_to(producer_at):
    """Send five messages to brokers; return how much goes at once."""

    def send_to(brokers):
        producer = producer_at(brokers)
        producer.send(MESSAGES)
        return producer._limits.largest([Outgoing("t", b"", None, 0, [])])

    return send_to


def test_what_is_taken_alone_after_its_batch_was_not_counts_as_sent(send_to):
    brokers = Brokers(1, 3)
    assert send_to(brokers) < 100  # where two of them have 140 bytes
    assert brokers.alone == [b"1", b"3"]


def test_what_finds_no_broker_when_it_is_tried_alone_is_an_outage(send_to):
    """And those after it are not tried: each would wait for brokers that are away."""
    brokers = Brokers(1, 3, then=kafka_errors.KafkaTimeoutError("no word"))
    with pytest.raises(SendError) as caught:
        send_to(brokers)
    assert (caught.value.unsent, caught.value.transient) == ((1, 3), True)
    assert brokers.alone == [b"1"]


def test_a_transaction_is_not_made_when_a_broker_refuses_a_part(
    open_bus, backdoor, topic
):
    """Nothing is sent and nothing done; without the part, all is."""
    backdoor.make_with(topic, max_message_bytes=10_000)
    bus = open_bus(partitions=1, transactions=True)
    bus._make_transactor()._limits.learn = lambda topics: None
    with pytest.raises(PayloadError):
        bus.producer().send([Message(topic, LONG)])
    backdoor.put(f"{topic}-in", [b"task"])
    consumer = bus.subscribe(f"{topic}-in", "group")
    held = consumer.receive(1, 60)
    done = [Message(topic, body) for body in (b"1", LONG, b"2")]
    with pytest.raises(PayloadError) as caught:
        consumer.settle(held, done)
    assert caught.value.refused == (1,)
    assert backdoor.take(topic) == []
    assert bus.depth(f"{topic}-in", "group") == 1
    consumer.settle(held, [done[0], done[2]])
    assert backdoor.take(topic) == [b"1", b"2"]
    assert bus.depth(f"{topic}-in", "group") == 0


def test_what_a_transaction_refused_counts_though_brokers_went_meanwhile(producer_at):
    """Something else takes its place; the next try tells of the brokers."""
    too_large = kafka_errors.MessageSizeTooLargeError()

    def act(writer, outgoing):
        one_by_one = writer.largest == 1
        return [None, too_large] if one_by_one else [too_large] * len(outgoing)

    def probe(writer, outgoing):
        raise kafka_errors.KafkaConnectionError("gone")

    with pytest.raises(PayloadError) as caught:
        producer_at(Brokers()).transact(MESSAGES, act, probe)
    assert caught.value.refused == (1,)


def test_a_transaction_that_finds_no_broker_one_by_one_is_an_outage(producer_at):
    too_large = kafka_errors.MessageSizeTooLargeError()
    gone = kafka_errors.KafkaTimeoutError("no word")

    def act(writer, outgoing):
        return [gone] if writer.largest == 1 else [too_large] * len(outgoing)

    with pytest.raises(SendError) as caught:
        producer_at(Brokers()).transact(MESSAGES, act, act)
    assert caught.value.transient
