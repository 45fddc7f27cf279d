"""What is sent: where to, what brokers refuse, and what others have compressed."""

import os
import time
import uuid
from types import SimpleNamespace

import pytest
from kafka import KafkaProducer as Sender
from kafka import TopicPartition
from kafka import errors as kafka_errors
from kafka_backdoor import KafkaBackdoor
from task_bus_kafka.errors import Errors
from task_bus_kafka.names import LONGEST, kafka_topic, name_problem
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.plugin import kafka as plugin
from task_bus_kafka.producer import KafkaProducer
from task_bus_kafka.records import Outgoing, size_of

from task_core.api import (
    BusContext,
    Capabilities,
    Message,
    PayloadError,
    SendError,
    dead_topic,
)

LONG = b"x" * 50_000


@pytest.fixture(params=list(Client))
def client(request):
    return request.param


@pytest.fixture
def topic():
    return f"send-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def backdoor(kafka):
    backdoor = KafkaBackdoor(kafka, partitions=4)
    yield backdoor
    backdoor.close()


@pytest.fixture
def open_bus(kafka, client):
    """Open a bus; all are closed at the end."""
    opened = []

    def open_bus(**more):
        options = KafkaOptions(bootstrap=(kafka.bootstrap,), client=client, **more)
        opened.append(plugin.open(options, BusContext()))
        return opened[-1]

    yield open_bus
    for bus in opened:
        bus.close()


def make(backdoor, topic, **configs):
    """Make a topic of one partition with settings of its own."""
    configs = {name.replace("_", "."): value for name, value in configs.items()}
    shape = {"num_partitions": 1, "replication_factor": 1, "configs": configs}
    backdoor.admin.create_topics({topic: shape}, wait_for_metadata=True)


def test_what_a_topic_cannot_take_is_singled_out_and_nothing_is_sent(
    open_bus, backdoor, topic
):
    """Else the others would be sent again, with what takes its place."""
    make(backdoor, topic, max_message_bytes=10_000)
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
    make(backdoor, topic, max_message_bytes=10_000)
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
    make(backdoor, topic, max_message_bytes=10_000)
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
    make(backdoor, topic, max_message_bytes=10_000)
    backdoor.put(f"{topic}-in", [b"task"])
    bus = open_bus(partitions=1, transactions=transactions)
    consumer = bus.subscribe(f"{topic}-in", "group")
    held = consumer.receive(1, 60)
    bodies = [b"%d" % number * 6_000 for number in range(9)]
    consumer.settle(held, [Message(topic, body) for body in bodies])
    assert backdoor.take(topic) == bodies


@pytest.mark.parametrize("transactions", [False, True])
def test_many_that_fit_one_by_one_are_sent_though_no_limit_is_told(
    open_bus, backdoor, topic, client, transactions
):
    """Each once, and so are those that come after them."""
    make(backdoor, topic, max_message_bytes=10_000)
    backdoor.put(f"{topic}-in", [b"task", b"task"])
    name = "compression_type" if client is Client.PYTHON else "compression.type"
    bus = open_bus(partitions=1, transactions=transactions, settings=(f"{name}=gzip",))
    consumer = bus.subscribe(f"{topic}-in", "group")
    bodies = [os.urandom(3_000) for _ in range(10)]  # which get no smaller
    for some in (bodies[:5], bodies[5:]):
        held = consumer.receive(1, 60)
        consumer.settle(held, [Message(topic, body) for body in some])
    assert sorted(backdoor.take(topic)) == sorted(bodies)
    assert bus.depth(f"{topic}-in", "group") == 0


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


@pytest.fixture
def send_to():
    """Send five messages to brokers that are none; return how much goes at once."""
    admin = SimpleNamespace(ensure=lambda topics: None, limits=lambda topics: {})
    bus = SimpleNamespace(name="kafka", capabilities=Capabilities(), closed=False)

    def send_to(brokers):
        options = KafkaOptions()
        make = [lambda: brokers, admin, Errors(options), options]
        producer = KafkaProducer(bus, *make)
        producer.send([Message("t", b"%d" % at) for at in range(5)])
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
    make(backdoor, topic, max_message_bytes=10_000)
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


def test_a_topic_that_wants_keys_refuses_for_good_what_has_none(
    open_bus, backdoor, topic
):
    make(backdoor, topic, cleanup_policy="compact")
    producer = open_bus().producer()
    with pytest.raises(PayloadError) as caught:
        producer.send([Message(topic, b"1", key="a"), Message(topic, b"2")])
    assert caught.value.refused == (1,)


def test_short_programs_spread_what_they_send(open_bus, backdoor, topic):
    backdoor.make(topic)
    for _ in range(12):
        open_bus().producer().send([Message(topic, b"1")])
    partitions = [TopicPartition(topic, number) for number in range(4)]
    ends = backdoor.consumer.end_offsets(partitions).values()
    assert sum(ends) == 12
    assert sum(end > 0 for end in ends) > 1, ends


def test_one_batch_spreads_too(open_bus, backdoor, topic):
    backdoor.make(topic)
    open_bus().producer().send([Message(topic, b"1") for _ in range(100)])
    partitions = [TopicPartition(topic, number) for number in range(4)]
    assert all(backdoor.consumer.end_offsets(partitions).values())


@pytest.mark.parametrize("length", [LONGEST - 4, LONGEST])
def test_the_longest_topic_has_dead_letters(open_bus, backdoor, topic, length):
    """`.dead` does not fit: then the name is cut, and a digest tells it from others."""
    topic = topic.ljust(length, "x")
    bus = open_bus(partitions=1)
    dead = dead_topic(topic)
    bus.prepare([topic, dead])
    bus.producer().send([Message(dead, b"letter")])
    consumer = bus.subscribe(dead, "group")
    (letter,) = consumer.receive(1, 60)
    consumer.ack([letter])
    assert (letter.body, list(bus.peek(dead, 1))) == (b"letter", [b"letter"])
    assert bus.depth(dead, "group") == 0
    (name,) = [name for name in bus.topics() if name[:17] == topic[:17] and "." in name]
    assert len(name) == LONGEST
    assert name.endswith(".dead")
    bus.forget(dead)


def test_names_that_are_cut_differ_and_bad_ones_are_told():
    one, other = (dead_topic("x" * (LONGEST - 1) + end) for end in "ab")
    assert kafka_topic(one) != kafka_topic(other)
    for bad in ("", ".", "..", "a b", "ü", "x" * (LONGEST + 1)):
        assert "1 to 249" in name_problem(bad)
    assert name_problem(dead_topic("x" * (LONGEST + 1)))
    assert name_problem("a.B_c-9") == ""


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_what_others_have_compressed_can_be_read(open_bus, kafka, topic, codec):
    """By the client that is always there: its codecs are installed with the bus."""
    consumer = open_bus(partitions=1).subscribe(topic, "group")
    sender = Sender(bootstrap_servers=kafka.bootstrap, compression_type=codec)
    sender.send(topic, b"y" * 1_000).get(60)
    sender.close()
    (came,) = consumer.receive(1, 60)
    assert came.body == b"y" * 1_000


def test_who_finds_no_partition_says_so_in_a_line(open_bus, topic, caplog):
    """The second worker on one partition idles: somebody may wonder why."""
    first, second = (open_bus(partitions=1).subscribe(topic, "group") for _ in range(2))
    deadline = time.monotonic() + 60
    while not caplog.messages:
        assert time.monotonic() < deadline
        first.receive(1, 0.05)
        second.receive(1, 0.05)
    line = caplog.messages[0]
    assert f"no partition of topic '{topic}' for group '{topic}.group' is left" in line
