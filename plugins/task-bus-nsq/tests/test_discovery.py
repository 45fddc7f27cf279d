"""nsqlookupd: where a topic is read, where it is made, and who is asked."""

import time
from datetime import timedelta

import pytest
from brokers.ports import free_address
from nsq_backdoor import NsqBackdoor

from task_core.api import BusConnectionError, Message, UnsupportedCapabilityError


@pytest.fixture(scope="module")
def lookupd(start_lookupd):
    return start_lookupd()


@pytest.fixture(scope="module")
def nsqds(start_nsqd, lookupd):
    return start_nsqd(lookupd=[lookupd]), start_nsqd(lookupd=[lookupd])


@pytest.fixture
def bus(buses, lookupd, nsqds):
    """A bus that knows nsqlookupds only, and one of them is dead."""
    return buses(
        lookupd=(free_address(), lookupd.http), lookup_interval=timedelta(seconds=0.2)
    )


@pytest.fixture
def doors(nsqds):
    return [NsqBackdoor(nsqd) for nsqd in nsqds]


def receive(consumer, count):
    """Receive until so many have come."""
    found = []
    deadline = time.monotonic() + 15
    while len(found) < count and time.monotonic() < deadline:
        found += consumer.receive(count - len(found), 1)
    return sorted(it.body for it in found)


def test_a_topic_is_read_from_every_nsqd_that_has_it(bus, doors):
    topic = doors[0].topic()
    for number, door in enumerate(doors):
        door.put(topic, [b"%d" % number])
    deadline = time.monotonic() + 5
    while len(bus._discovery.holders(topic)) < 2:  # nsqds tell it a little later
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert receive(bus.subscribe(topic, "c"), 2) == [b"0", b"1"]


def test_an_unknown_topic_is_made_on_one_nsqd(bus, doors):
    topic = doors[0].topic()
    consumer = bus.subscribe(topic, "c")
    holders = [door for door in doors if door._stats(topic)]
    assert len(holders) == 1
    assert [it["channel_name"] for it in holders[0]._stats(topic)["channels"]] == ["c"]
    holders[0].put(topic, [b"1"])
    assert receive(consumer, 1) == [b"1"]


def test_an_nsqd_that_gets_the_topic_later_is_found(bus, doors):
    topic = doors[0].topic()
    consumer = bus.subscribe(topic, "c")
    for number, door in enumerate(doors):
        door.put(topic, [b"%d" % number])
    assert receive(consumer, 2) == [b"0", b"1"]


def test_an_nsqd_that_is_found_while_a_receive_waits_is_read_by_it(bus, doors):
    topic = doors[0].topic()
    consumer = bus.subscribe(topic, "c")
    doors[0].put(topic, [b"1"])
    doors[1].put(topic, [b"2"])
    begin = time.monotonic()
    found = [it.body for it in consumer.receive(1, 10)]
    found += [it.body for it in consumer.receive(1, 10)]
    assert sorted(found) == [b"1", b"2"]
    assert time.monotonic() - begin < 5


def test_an_nsqd_that_was_the_only_one_is_read_again_when_it_is_back(
    buses, start_lookupd, start_nsqd
):
    """Meanwhile the topic was made on another one, so that something was read."""
    lookupd = start_lookupd()
    nsqds = [start_nsqd(lookupd=[lookupd]) for _ in range(2)]
    doors = [NsqBackdoor(nsqd) for nsqd in nsqds]
    bus = buses(lookupd=(lookupd.http,), lookup_interval=timedelta(seconds=0.2))
    topic = doors[0].topic()
    doors[0].put(topic, [b"1"])
    consumer = bus.subscribe(topic, "c")
    assert receive_over_outage(consumer) == b"1"
    while doors[0].in_flight(topic, "c"):  # its end is told a moment later
        consumer.receive(1, 0)
    nsqds[0].stop()
    doors[1].put(topic, [b"2"])
    assert receive_over_outage(consumer) == b"2"
    nsqds[0].start()
    doors[0].put(topic, [b"3"])
    assert receive_over_outage(consumer) == b"3"


def receive_over_outage(consumer):
    """Receive one; while none of the nsqds that are known answers, ask again."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if found := consumer.receive(1, 0.2):
                consumer.ack(found)
                return found[0].body
        except BusConnectionError:
            time.sleep(0.05)
    return None


def test_sends_go_to_the_nsqds_that_nsqlookupd_knows(bus, doors):
    topic = doors[0].topic()
    producer = bus.producer()
    for number in range(4):
        producer.send([Message(topic, b"%d" % number)])
    assert [len(door.take(topic)) for door in doors] == [2, 2]


def test_nsqds_that_nsqlookupd_knows_no_more_are_left(bus, doors, start_nsqd, lookupd):
    other = start_nsqd(lookupd=[lookupd])
    producer = bus.producer()
    deadline = time.monotonic() + 10
    for count in (3, 2):
        while len(producer._connections) != count:
            assert time.monotonic() < deadline
            producer.send([Message("any", b"1")])
            time.sleep(0.01)
        other.stop()


def test_topics_and_depth_are_asked_over_nsqlookupd(bus, doors):
    topic = doors[0].topic()
    for door in doors:
        door.put(topic, [b"1", b"2"])
    deadline = time.monotonic() + 5
    while bus.depth(topic, "c") != 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert topic in bus.topics()
    bus.ping()


def test_depth_counts_nsqds_that_are_read_and_not_sent_to(buses, lookupd, doors):
    topic = doors[0].topic()
    for door in doors:
        door.put(topic, [b"1"])
    bus = buses(lookupd=(lookupd.http,), nsqd=(doors[0].nsqd.tcp,))
    deadline = time.monotonic() + 5
    while bus.depth(topic, "c") != 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_new_topic_is_not_made_on_an_nsqd_that_hangs(buses, lookupd, nsqds, doors):
    bus = buses(lookupd=(lookupd.http,), connect_timeout=timedelta(seconds=0.1))
    topics = [doors[0].topic() for _ in range(5)]
    nsqds[0].pause()
    try:
        consumers = [bus.subscribe(topic, "c") for topic in topics]
    finally:
        nsqds[0].resume()
    for consumer in consumers:
        consumer.close()
    assert all(doors[1]._stats(topic) for topic in topics)


def test_what_is_no_nsqlookupd_or_no_nsqd_is_told(buses, lookupd, nsqds):
    nsqd = nsqds[0]
    bus = buses(lookupd=(nsqd.http,))
    for act in (lambda: bus.subscribe("t", "c"), bus.topics):
        with pytest.raises(BusConnectionError, match="as an nsqlookupd does"):
            act()
    bus = buses(nsqd=(nsqd.tcp,), http=(lookupd.http,))
    for act in (lambda: bus.depth("t", "c"), bus.topics):
        with pytest.raises(UnsupportedCapabilityError, match="as an nsqd does.* http"):
            act()


def test_when_no_nsqlookupd_answers_all_of_them_are_named(buses):
    addresses = free_address(), free_address()
    bus = buses(lookupd=addresses)
    for act in (lambda: bus.subscribe("t", "c"), bus.topics, bus.ping):
        with pytest.raises(BusConnectionError) as caught:
            act()
        assert all(address in str(caught.value) for address in addresses)


def test_nsqlookupds_that_know_no_nsqd_are_told_apart(start_lookupd, buses):
    bus = buses(lookupd=(start_lookupd().http,))
    with pytest.raises(BusConnectionError, match="knows no nsqd"):
        bus.subscribe("t", "c")
    with pytest.raises(BusConnectionError, match="knows no nsqd"):
        bus.producer().send([Message("t", b"1")])
