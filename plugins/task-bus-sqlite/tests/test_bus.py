"""Rules of `task_bus_sqlite.bus`, in one process."""

import threading
import time
from datetime import timedelta

import pytest
from task_bus_sqlite import channel as sqlite_channel
from task_bus_sqlite.options import ReadFrom, SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.errors import (
    BusClosedError,
    LeaseLostError,
    PayloadError,
    UnsupportedCapabilityError,
)

LEASE = 0.2


@pytest.fixture
def open_bus(tmp_path):
    """Opens buses on one file, as many as are wanted."""
    opened = []

    def open_bus(lease=30.0, **options):
        path = str(tmp_path / "task.db")
        bus = sqlite.open(SqliteOptions(path=path, **options), BusContext(lease=lease))
        opened.append(bus)
        return bus

    yield open_bus
    for bus in opened:
        bus.close()


@pytest.fixture
def bus(open_bus):
    return open_bus()


def send(bus, *bodies, topic="load", **more):
    bus.producer().send([Message(topic, body, **more) for body in bodies])


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def stored(bus):
    """How many messages are in the file, whatever their state."""
    return bus._file.read("SELECT count(*) FROM messages")[0]


def test_messages_arrive_in_the_order_of_sending(bus):
    """Across sends and receipts."""
    consumer = bus.subscribe("load", "load")
    send(bus, b"1", b"2")
    send(bus, b"3")
    assert bodies(consumer.receive(2, 0)) == [b"1", b"2"]
    assert bodies(consumer.receive(2, 0)) == [b"3"]
    assert consumer.receive(2, 0) == ()


def test_any_bytes_and_headers_come_back_as_sent(bus):
    """Large ones too."""
    consumer = bus.subscribe("load", "load")
    body = bytes(range(256)) * 10_000
    send(bus, b"", body, headers={"k": "v", "ü": ""})
    empty, large = consumer.receive(2, 0)
    assert (empty.body, large.body) == (b"", body)
    assert large.headers == {"k": "v", "ü": ""}


def test_what_was_sent_before_the_first_channel_waits_for_it(bus):
    """The newcomer who sends before the first launch gets the tasks."""
    send(bus, b"early")
    assert bus.depth("load", "load") == 1
    assert bodies(bus.subscribe("load", "load").receive(9, 0)) == [b"early"]


def test_a_second_channel_sees_what_is_sent_after_it_was_made(bus):
    """And what it has not seen waits for the first one."""
    first = bus.subscribe("load", "first")
    send(bus, b"old")
    second = bus.subscribe("load", "second")
    send(bus, b"new")
    assert bodies(second.receive(9, 0)) == [b"new"]
    assert bodies(first.receive(9, 0)) == [b"old", b"new"]


def test_a_channel_from_the_start_sees_all_that_is_there(open_bus):
    """Also what others hold or, with `keep`, have settled."""
    bus = open_bus(keep=timedelta(hours=1))
    first = bus.subscribe("load", "first")
    send(bus, b"settled", b"held", b"waiting")
    first.ack(first.receive(1, 0))
    first.receive(1, 0)
    late = open_bus(from_=ReadFrom.START)
    assert late.depth("load", "late") == 0
    consumer = late.subscribe("load", "late")
    assert late.depth("load", "late") == 3
    assert bodies(consumer.receive(9, 0)) == [b"settled", b"held", b"waiting"]


def test_each_channel_gets_every_message_once_and_then_it_is_gone(bus):
    """It stays for as long as one channel wants it."""
    consumers = [bus.subscribe("load", name) for name in ("a", "b", "c")]
    send(bus, b"1", b"2")
    for left, consumer in zip((2, 2, 0), consumers, strict=True):
        deliveries = consumer.receive(9, 0)
        assert bodies(deliveries) == [b"1", b"2"]
        consumer.ack(deliveries)
        assert stored(bus) == left
    assert bus._file.read("SELECT count(*) FROM settled")[0] == 0


def test_consumers_on_one_channel_share_its_messages(bus, open_bus):
    """In one process or in two connections."""
    send(bus, b"1", b"2", b"3")
    one, two = bus.subscribe("load", "load"), open_bus().subscribe("load", "load")
    assert bodies(one.receive(1, 0)) == [b"1"]
    assert bodies(two.receive(1, 0)) == [b"2"]
    assert bodies(one.receive(9, 0)) == [b"3"]


def test_numbers_are_never_used_again(bus, open_bus):
    """A cursor would pass over them."""
    consumer = bus.subscribe("load", "load")
    for number in range(3):
        send(bus, b"%d" % number)
        consumer.ack(consumer.receive(9, 0))
    bus.close()
    bus = open_bus()
    send(bus, b"after")
    assert bodies(bus.subscribe("load", "load").receive(9, 0)) == [b"after"]


def test_topics_do_not_see_each_other(bus):
    """Although their messages lie in one table."""
    send(bus, b"b1", topic="b")
    send(bus, b"a1", topic="a")
    send(bus, b"b2", topic="b")
    assert bodies(bus.subscribe("a", "x").receive(9, 0)) == [b"a1"]
    assert bodies(bus.subscribe("b", "x").receive(9, 0)) == [b"b1", b"b2"]
    assert bus.topics() == ["a", "b"]


def test_settling_sends_and_acknowledges_at_once(bus):
    """The done task is there when the delivery is not, and never otherwise."""
    send(bus, b"work")
    consumer = bus.subscribe("load", "load")
    bus.settle(consumer, consumer.receive(1, 0), [Message("done", b"done")])
    assert (bus.depth("load", "load"), bus.depth("done", "x")) == (0, 1)
    consumer.close()
    assert bus.subscribe("load", "load").receive(1, 0) == ()


def test_settling_in_any_order_settles_exactly_those(bus):
    """Runs of numbers become one statement; holes stay."""
    consumer = bus.subscribe("load", "load")
    send(bus, *[b"%d" % number for number in range(10)])
    deliveries = consumer.receive(10, 0)
    bus.settle(consumer, [deliveries[i] for i in (7, 2, 1, 9, 0, 6)], [])
    consumer.nack([d for i, d in enumerate(deliveries) if i in (3, 4, 5, 8)])
    assert bodies(consumer.receive(10, 0)) == [b"3", b"4", b"5", b"8"]


def test_what_was_given_back_comes_before_what_is_new(bus):
    """With its attempt counted."""
    consumer = bus.subscribe("load", "load")
    send(bus, b"1", b"2", b"3")
    consumer.nack(consumer.receive(2, 0))
    deliveries = consumer.receive(9, 0)
    assert bodies(deliveries) == [b"1", b"2", b"3"]
    assert [delivery.attempt for delivery in deliveries] == [2, 2, 1]


def test_a_nack_with_a_delay_comes_after_it(bus):
    """Not before, and at once then, although nobody sends."""
    consumer = bus.subscribe("load", "load")
    send(bus, b"1", b"2")
    begin = time.monotonic()
    consumer.nack(consumer.receive(1, 0), delay=0.15)
    assert bodies(consumer.receive(9, 0)) == [b"2"]
    assert bodies(consumer.receive(9, 5)) == [b"1"]
    assert 0.14 <= time.monotonic() - begin < 1


def test_a_delayed_message_is_passed_over_until_its_time(bus):
    """It holds up nobody, and counts as waiting."""
    consumer = bus.subscribe("load", "load")
    begin = time.monotonic()
    send(bus, b"later", delay=0.15)
    send(bus, b"now")
    assert bus.depth("load", "load") == 2
    assert bodies(consumer.receive(9, 0)) == [b"now"]
    assert bus.depth("load", "load") == 1
    (delivery,) = consumer.receive(9, 5)
    assert (delivery.body, delivery.attempt) == (b"later", 1)
    assert 0.14 <= time.monotonic() - begin < 1


def test_an_unsettled_delivery_comes_again_after_its_lease(open_bus):
    """On a timer: nobody sends anything, and the consumer only waits."""
    bus = open_bus(lease=LEASE)
    send(bus, b"1")
    consumer, other = bus.subscribe("load", "load"), bus.subscribe("load", "load")
    begin = time.monotonic()
    consumer.receive(1, 0)
    (again,) = other.receive(1, 5)
    assert again.attempt == 2
    assert LEASE - 0.01 <= time.monotonic() - begin < LEASE + 1


def test_an_extended_lease_lasts_from_then_on(open_bus):
    """And the delivery can still be settled."""
    bus = open_bus(lease=LEASE)
    send(bus, b"1")
    consumer, other = bus.subscribe("load", "load"), bus.subscribe("load", "load")
    held = consumer.receive(1, 0)
    for _ in range(3):
        assert other.receive(1, LEASE * 0.6) == ()
        consumer.extend(held)
    consumer.ack(held)
    assert other.receive(1, LEASE * 1.5) == ()


@pytest.mark.parametrize("settle_first", [False, True])
def test_of_two_that_settle_one_delivery_one_wins_and_the_other_is_told(
    open_bus, settle_first
):
    """Its done task is not sent, and what it still holds can be settled."""
    bus = open_bus(lease=LEASE)
    send(bus, b"slow", b"other")
    slow, quick = bus.subscribe("load", "load"), bus.subscribe("load", "load")
    held = slow.receive(1, 0)
    (again,) = quick.receive(1, 0) and quick.receive(1, 5)
    assert again.body == b"slow"
    if settle_first:
        quick.ack([again])
    with pytest.raises(LeaseLostError, match="lease of 1 of 1 deliveries") as caught:
        bus.settle(slow, held, [Message("done", b"done")])
    assert caught.value.deliveries == tuple(held)
    assert bus.depth("done", "x") == 0
    if not settle_first:
        quick.ack([again])
    assert stored(bus) == 1


def test_a_lost_lease_leaves_the_rest_of_the_settle_undone(open_bus):
    """So that the caller can take its outcome out and settle again."""
    bus = open_bus(lease=LEASE)
    send(bus, b"1", b"2", b"3")
    slow, quick = bus.subscribe("load", "load"), bus.subscribe("load", "load")
    held = slow.receive(2, 0)
    quick.nack(quick.receive(1, 0), delay=60)
    quick.receive(1, 5)
    with pytest.raises(LeaseLostError) as caught:
        bus.settle(slow, held, [Message("done", b"1"), Message("done", b"2")])
    (lost,) = caught.value.deliveries
    assert lost is held[0]
    bus.settle(slow, held[1:], [Message("done", b"2")])
    assert bodies(bus.subscribe("done", "x").receive(9, 0)) == [b"2"]


def test_a_late_settle_counts_while_nobody_else_has_the_message(open_bus):
    """The work is done: to do it again helps nobody."""
    bus = open_bus(lease=0.01)
    send(bus, b"1")
    consumer = bus.subscribe("load", "load")
    held = consumer.receive(1, 0)
    time.sleep(0.02)  # a lease ends by the clock alone
    consumer.ack(held)
    assert stored(bus) == 0


def test_giving_back_or_extending_what_others_have_changes_nothing(open_bus):
    """It is theirs."""
    bus = open_bus(lease=LEASE)
    send(bus, b"1")
    slow, quick = bus.subscribe("load", "load"), bus.subscribe("load", "load")
    held = slow.receive(1, 0)
    again = quick.receive(1, 5)
    slow.nack(held)
    slow.extend(held)
    assert slow.receive(1, 0) == ()
    quick.ack(again)


def test_closing_gives_back_what_is_unsettled(bus, open_bus):
    """At once, not after the lease."""
    send(bus, b"1", b"2")
    consumer = bus.subscribe("load", "load")
    consumer.ack(consumer.receive(1, 0))
    consumer.receive(1, 0)
    bus.close()
    bus.close()
    assert bodies(open_bus().subscribe("load", "load").receive(9, 0)) == [b"2"]


def test_after_close_every_call_is_refused(open_bus):
    """By its own name."""
    bus = open_bus()
    consumer, producer = bus.subscribe("load", "load"), bus.producer()
    bus.close()
    consumer.wake()
    for call in (
        lambda: consumer.receive(1, 0),
        lambda: consumer.ack([]),
        lambda: consumer.nack([]),
        lambda: consumer.extend([]),
        lambda: producer.send([Message("load", b"")]),
        lambda: bus.settle(consumer, [], []),
        bus.topics,
        bus.ping,
        bus.producer,
    ):
        with pytest.raises(BusClosedError, match="closed"):
            call()


def test_receive_waits_its_time_and_not_longer(bus):
    """Zero does not wait."""
    consumer = bus.subscribe("load", "load")
    begin = time.monotonic()
    assert consumer.receive(1, 0) == ()
    assert time.monotonic() - begin < 0.05
    assert consumer.receive(1, 0.1) == ()
    assert 0.1 <= time.monotonic() - begin < 0.4


def test_a_wake_ends_the_wait_or_the_next_one(bus):
    """From any thread."""
    consumer = bus.subscribe("load", "load")
    threading.Timer(0.05, consumer.wake).start()
    begin = time.monotonic()
    assert consumer.receive(1, 10) == ()
    consumer.wake()
    assert consumer.receive(1, 10) == ()
    assert time.monotonic() - begin < 5


def test_depth_counts_what_nobody_holds(open_bus):
    """Fresh, given back, delayed, and what has outlived its lease."""
    bus = open_bus(lease=0.01)
    consumer = bus.subscribe("load", "load")
    assert (bus.depth("load", "load"), bus.depth("other", "x")) == (0, 0)
    send(bus, b"1", b"2", b"3", b"4")
    held = consumer.receive(3, 0)
    consumer.nack(held[:1], delay=60)
    consumer.ack(held[1:2])
    time.sleep(0.02)  # a lease ends by the clock alone
    assert bus.depth("load", "load") == 3


def test_kept_messages_go_when_their_time_is_over(open_bus):
    """No traffic is needed: the consumer sweeps on a timer."""
    bus = open_bus(keep=timedelta(seconds=0.1))
    consumer = bus.subscribe("load", "load")
    send(bus, b"1", b"2")
    consumer.ack(consumer.receive(9, 0))
    assert stored(bus) == 2
    deadline = time.monotonic() + 5
    while stored(bus) and time.monotonic() < deadline:
        consumer.receive(1, 0.2)
    assert stored(bus) == 0
    assert bus._file.read("SELECT count(*) FROM kept")[0] == 0
    assert bus._file.read("SELECT count(*) FROM settled")[0] == 0


def test_a_kept_message_stays_while_a_new_channel_wants_it(open_bus):
    """Its time is over only when that one has settled it too."""
    bus = open_bus(keep=timedelta(seconds=0.1), from_=ReadFrom.START)
    first = bus.subscribe("load", "first")
    send(bus, b"1")
    first.ack(first.receive(9, 0))
    late = bus.subscribe("load", "late")
    time.sleep(0.15)  # it is kept by the clock alone
    first.receive(1, 0)
    (delivery,) = late.receive(1, 0)
    late.ack([delivery])
    assert stored(bus) == 1


def test_an_unsupported_extra_is_refused_before_anything_is_sent(bus):
    """Priority is not offered."""
    with pytest.raises(UnsupportedCapabilityError, match="priority"):
        send(bus, b"1", priority=1)
    assert bus.topics() == []


def test_a_message_without_a_topic_is_refused(bus):
    """It would go nowhere."""
    with pytest.raises(PayloadError, match="topic required"):
        send(bus, b"1", topic="")


def test_one_statement_does_not_scan_what_is_settled_or_waits(bus):
    """Every claim and settle finds its rows by key."""
    for name in ("_STATE", "_OVERDUE", "_FRESH", "_FORGET", "_LAST"):
        sql = getattr(sqlite_channel, name)
        values = [None] * (1 if "?1" in sql else sql.count("?"))
        plan = bus._file.rows(f"EXPLAIN QUERY PLAN {sql}", values)
        assert not [row for row in plan if row[3].startswith("SCAN")], (name, plan)
