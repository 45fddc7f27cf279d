"""What is sent: where to, under which names, and what others have compressed."""

import time

import pytest
from kafka import KafkaProducer as Sender
from kafka import TopicPartition
from task_bus_kafka.names import LONGEST, kafka_topic, name_problem

from task_core.api import (
    Message,
    PayloadError,
    dead_topic,
)


def test_a_topic_that_wants_keys_refuses_for_good_what_has_none(
    open_bus, backdoor, topic
):
    backdoor.make_with(topic, cleanup_policy="compact")
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


def test_a_topic_that_was_deleted_keeps_no_core_busy(open_bus, backdoor, topic):
    """By the time of the processor: the library looked for it without a pause."""
    producer = open_bus().producer()
    producer.send([Message(topic, b"1")])
    backdoor.remove(topic)
    producer.send([Message(f"{topic}-new", b"1")])  # which looks at the cluster anew
    begin = time.process_time()
    time.sleep(2)  # time enough for what must not happen
    assert time.process_time() - begin < 1


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
