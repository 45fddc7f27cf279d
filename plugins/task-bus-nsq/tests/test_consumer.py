"""Reading: how much is asked of whom, and what becomes of lost connections."""

import threading
import time
from datetime import timedelta

import pytest
from nsq_backdoor import NsqBackdoor
from task_bus_nsq import consumer as consuming

from task_core.api import BusConnectionError, BusError, LeaseLostError, Message

TEN = [b"%d" % number for number in range(10)]


@pytest.fixture
def door(nsqd):
    return NsqBackdoor(nsqd)


@pytest.fixture
def consume(nsqd, buses, door):
    """Read a new topic that holds these bodies; with the topic's name."""

    def consume(*bodies, channel="c", lease=30.0, **options):
        topic = door.topic()
        door.put(topic, bodies)
        bus = buses(lease, nsqd=(nsqd.tcp,), http=(nsqd.http,), **options)
        return topic, bus.subscribe(topic, channel)

    return consume


@pytest.fixture(scope="module")
def pair(start_nsqd):
    """Two nsqds."""
    return start_nsqd(), start_nsqd()


@pytest.fixture
def consume_pair(pair, buses):
    """Read one topic from both; with the doors of both and the topic's name."""

    def consume(first, second, **options):
        doors = [NsqBackdoor(nsqd) for nsqd in pair]
        topic = doors[0].topic()
        for door, bodies in zip(doors, (first, second), strict=True):
            door.put(topic, bodies or [b"x"])
        bus = buses(nsqd=tuple(nsqd.tcp for nsqd in pair), **options)
        consumer = bus.subscribe(topic, "c")
        for bodies in (first, second):
            if not bodies:  # only so that the topic is there
                wanted = [b"x"]
                while wanted:
                    for delivery in consumer.receive(1, 5):
                        if delivery.body == b"x":
                            wanted.pop()
                            consumer.ack([delivery])
                        else:
                            consumer.nack([delivery])
        return doors, topic, consumer

    return consume


@pytest.fixture
def patient(monkeypatch):
    """Wait for an nsqd whose turn it is, however busy the machine is.

    Nothing tells when an nsqd has heard that the other one's turn is now.
    """
    monkeypatch.setattr(consuming, "TURN", 10.0)


def in_flight(doors, topic):
    return [door.in_flight(topic, "c") for door in doors]


def receive(consumer, count, limit=100):
    """Receive until so many have come."""
    found = []
    deadline = time.monotonic() + 15
    while len(found) < count and time.monotonic() < deadline:
        found += consumer.receive(min(limit, count - len(found)), 1)
    return found


def until_it_raises(act):
    """Do something again and again, for 10 seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        act()


def test_nothing_leaves_the_nsqd_before_it_is_asked_for(consume, door):
    topic, _ = consume(*TEN)
    assert door.channel(topic, "c")["in_flight_count"] == 0


def test_nothing_leaves_the_nsqd_between_two_receives(consume, door):
    topic, consumer = consume(*TEN)
    came = consumer.receive(3, 5)  # a busy nsqd sends them one by one
    consumer.settle(came + receive(consumer, 3 - len(came)), [])
    time.sleep(0.1)  # time enough for what must not happen
    stats = door.channel(topic, "c")
    assert (stats["in_flight_count"], stats["depth"]) == (0, 7)


def test_who_has_nothing_to_do_asks_for_one_which_no_nsqd_holds_back(consume, door):
    """What is less than was asked for is gathered, and leaves an nsqd later."""
    topic, consumer = consume(b"1")
    consumer.settle(consumer.receive(100, 5), [])
    thread = threading.Thread(target=consumer.receive, args=(100, 60))
    thread.start()
    deadline = time.monotonic() + 30
    while door.ready_count(topic, "c") != 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    consumer.wake()
    thread.join()


def test_a_settle_reaches_the_nsqd_without_another_call(consume, door):
    topic, consumer = consume(b"1")
    consumer.settle(consumer.receive(1, 5), [])
    deadline = time.monotonic() + 5
    while door.in_flight(topic, "c"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_message_whose_lease_is_over_does_not_come_back_to_one_who_hangs(
    consume, door
):
    topic, consumer = consume(b"1", lease=1.0)
    assert len(consumer.receive(1, 5)) == 1
    deadline = time.monotonic() + 15
    while not door.channel(topic, "c")["timeout_count"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.1)
    assert door.channel(topic, "c")["depth"] == 1


def test_no_more_than_the_limit_leaves_two_nsqds_together(consume_pair, patient):
    assert _most_unasked(*consume_pair(TEN, TEN)) <= 1


def _most_unasked(doors, topic, consumer, limits=(1, 2, 3, 5)):
    """Return how many more than were received have left the nsqds, at the most."""
    held, unasked = [], []
    for limit in limits:
        held += receive(consumer, limit)
        unasked.append(sum(in_flight(doors, topic)) - len(held))
    assert min(unasked) >= 0
    return max(unasked)


def test_a_limit_of_one_takes_turns_between_two_nsqds(consume_pair, patient):
    doors, topic, consumer = consume_pair(TEN, TEN)
    for _ in range(10):
        consumer.ack(receive(consumer, 1))
    finished = [
        door.channel(topic, "c")["clients"][0]["finish_count"] for door in doors
    ]
    assert min(finished) >= 4


def test_a_quiet_nsqd_is_not_starved_by_a_busy_one(consume_pair):
    doors, topic, consumer = consume_pair([b"%d" % n for n in range(5000)], [])
    doors[1].put(topic, [b"late"])
    for number in range(5000):  # noqa: B007  told when it fails
        came = receive(consumer, 1)
        consumer.ack(came)
        if came[0].body == b"late":
            break
    assert came[0].body == b"late", f"{number} others came before"


def test_two_quiet_nsqds_are_heard_soon_with_a_limit_of_one(consume_pair):
    doors, topic, consumer = consume_pair([], [])
    for door in (*doors, *doors):
        timer = threading.Timer(0.1, door.put, (topic, [b"1"]))
        timer.start()
        begin = time.monotonic()
        came = consumer.receive(1, 10)
        assert time.monotonic() - begin < 8
        assert len(came) == 1
        consumer.ack(came)
        timer.join()


def test_one_of_two_nsqds_that_dies_is_left_and_found_again(start_nsqd, buses):
    """What came from it is settled by what it produced, and may come again."""
    nsqds = start_nsqd(), start_nsqd()
    doors = [NsqBackdoor(nsqd) for nsqd in nsqds]
    consumer = buses(nsqd=tuple(it.tcp for it in nsqds)).subscribe("t", "c")
    doors[0].put("t", [b"lost"])
    lost = receive(consumer, 1)
    doors[1].put("t", [b"1"])
    kept = receive(consumer, 1)
    nsqds[0].stop()
    consumer.settle([*lost, *kept], [Message("done", b"all")])
    assert doors[1].take("done") == [b"all"]
    doors[1].put("t", [b"2"])
    came = receive(consumer, 1)
    assert [it.body for it in came] == [b"2"]
    consumer.ack(came)
    nsqds[0].start()
    again = receive(consumer, 1)
    assert [it.body for it in again] == [b"lost"]


def test_a_dead_nsqd_does_not_keep_others_from_being_read(pair, buses):
    door = NsqBackdoor(pair[0])
    topic = door.topic()
    door.put(topic, [b"1"])
    bus = buses(nsqd=(door.unreachable()[1], pair[0].tcp))
    assert [it.body for it in bus.subscribe(topic, "c").receive(1, 5)] == [b"1"]


def test_when_no_nsqd_answers_all_of_them_are_named(door, buses):
    addresses = door.unreachable()[1], door.unreachable()[1]
    with pytest.raises(BusConnectionError) as caught:
        buses(nsqd=addresses).subscribe("t", "c")
    assert all(address in str(caught.value) for address in addresses)


def test_an_nsqd_that_hangs_is_given_up_in_time(start_nsqd, buses):
    nsqd = start_nsqd()
    nsqd.pause()
    begin = time.monotonic()
    bus = buses(nsqd=(nsqd.tcp,), connect_timeout=timedelta(seconds=0.5))
    try:
        with pytest.raises(BusConnectionError, match="no answer in time"):
            bus.subscribe("t", "c")
    finally:
        nsqd.resume()
    assert time.monotonic() - begin < 4


def test_silence_longer_than_two_heartbeats_ends_a_connection(start_nsqd, buses):
    nsqd = start_nsqd()
    second = timedelta(seconds=1)
    options = {"heartbeat": second, "connect_timeout": second}
    consumer = buses(nsqd=(nsqd.tcp,), **options).subscribe("t", "c")
    begin = time.monotonic()
    nsqd.pause()
    try:
        with pytest.raises(BusConnectionError):
            until_it_raises(lambda: consumer.receive(1, 1))
    finally:
        nsqd.resume()
    assert 2 < time.monotonic() - begin < 8


def test_heartbeats_are_answered_while_a_receive_waits(consume, door):
    topic, consumer = consume(b"1", heartbeat=timedelta(seconds=1))
    consumer.ack(consumer.receive(1, 5))
    assert not consumer.receive(1, 3.5)  # nsqd hangs up after two
    door.put(topic, [b"2"])
    assert [it.body for it in consumer.receive(1, 5)] == [b"2"]
    assert door.channel(topic, "c")["client_count"] == 1


def test_what_was_held_is_given_back_at_once_when_a_consumer_closes(consume, door):
    topic, consumer = consume(*TEN)
    receive(consumer, 4)
    consumer.close()
    stats = door.channel(topic, "c")
    assert (stats["in_flight_count"], stats["depth"]) == (0, 10)
    assert stats["client_count"] == 0


def test_max_attempts_drops_what_was_handed_out_more_often(consume, door, caplog):
    topic, consumer = consume(b"1", max_attempts=2)
    for attempt in (1, 2):
        came = receive(consumer, 1)
        assert [it.attempt for it in came] == [attempt]
        consumer.nack(came)
    assert not consumer.receive(1, 0.3)
    consumer.close()
    assert door.channel(topic, "c")["depth"] == 0
    assert "dropped message" in caplog.text


def test_requeue_delay_is_used_when_nobody_says_when(consume):
    _, consumer = consume(b"1", requeue_delay=timedelta(seconds=1))
    came = receive(consumer, 1)
    begin = time.monotonic()
    consumer.nack(came)
    assert len(receive(consumer, 1)) == 1
    assert time.monotonic() - begin >= 0.95


def test_an_ephemeral_channel_goes_with_its_last_consumer(start_nsqd, buses):
    door = NsqBackdoor(start_nsqd(options=("--mem-queue-size=100",)))
    door.put("t", [b"1"])
    consumer = buses(nsqd=(door.nsqd.tcp,)).subscribe("t", "c#ephemeral")
    assert len(consumer.receive(1, 5)) == 1
    consumer.close()
    deadline = time.monotonic() + 5
    while door._stats("t")["channels"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_lease_that_nsqd_does_not_allow_is_told_with_what_helps(nsqd, buses):
    """Not with an option that must not be less than the lease."""
    bus = buses(86_400.0, nsqd=(nsqd.tcp,))
    with pytest.raises(BusError, match="max-msg-timeout.* shorter --lease") as caught:
        bus.subscribe("t", "c")
    assert not isinstance(caught.value, BusConnectionError)


def test_extending_ends_where_nsqd_ends_it(start_nsqd, buses):
    nsqd = start_nsqd(options=("--max-msg-timeout=2s",))
    NsqBackdoor(nsqd).put("t", [b"1"])
    consumer = buses(1.5, nsqd=(nsqd.tcp,)).subscribe("t", "c")
    held = receive(consumer, 1)
    begin = time.monotonic()
    with pytest.raises(LeaseLostError):
        until_it_raises(lambda: consumer.extend(held) or time.sleep(0.2))
    assert 1.5 < time.monotonic() - begin < 3


def test_a_delivery_is_settled_only_once(consume):
    _, consumer = consume(b"1")
    held = consumer.receive(1, 5)
    consumer.ack(held)
    with pytest.raises(LeaseLostError):
        consumer.settle(held, [Message("done", b"twice")])


def test_a_wake_that_comes_while_leases_are_extended_is_not_lost(consume):
    _, consumer = consume(b"1")
    held = consumer.receive(1, 5)
    consumer.wake()
    consumer.extend(held)
    begin = time.monotonic()
    assert not consumer.receive(1, 5)
    assert time.monotonic() - begin < 1


def test_a_body_of_a_mebibyte_in_many_pieces_arrives_whole(consume):
    body = bytes(range(256)) * 4096
    _, consumer = consume(body)
    assert [it.body for it in receive(consumer, 1)] == [body]


def test_more_is_held_than_an_nsqd_has_in_flight_on_one_connection(start_nsqd, buses):
    """As `task dead list` does: it holds all dead letters to look at them."""
    nsqd = start_nsqd(options=("--max-rdy-count=10",))
    door = NsqBackdoor(nsqd)
    door.put("t", [b"%d" % n for n in range(35)])
    consumer = buses(nsqd=(nsqd.tcp,)).subscribe("t", "c")
    held = receive(consumer, 35)
    assert len({it.body for it in held}) == 35
    consumer.ack(held)
    assert not consumer.receive(1, 0.2)
    channel = door.channel("t", "c")
    assert (channel["in_flight_count"], channel["depth"]) == (0, 0)


def test_no_more_than_the_limit_leaves_an_nsqd_over_several_connections(
    start_nsqd, buses, patient
):
    nsqd = start_nsqd(options=("--max-rdy-count=3",))
    door = NsqBackdoor(nsqd)
    door.put("t", [b"%d" % n for n in range(40)])
    consumer = buses(nsqd=(nsqd.tcp,)).subscribe("t", "c")
    assert _most_unasked([door], "t", consumer, (2, 2, 3, 5, 1)) <= 1
