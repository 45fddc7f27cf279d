"""Rules of `task_bus_sqlite.bus`, in one process."""

import sqlite3
import threading
import time
from datetime import timedelta

import pytest
from sqlite_bodies import bodies, send, stored
from task_bus_sqlite import channel as sqlite_channel

from task_core.api import (
    BusClosedError,
    BusError,
    LeaseLostError,
    Message,
    PayloadError,
)

LEASE = 0.2


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


@pytest.mark.parametrize(
    "look",
    [
        lambda bus, name: bus.subscribe(name, "c"),
        lambda bus, name: bus.subscribe("load", name),
        lambda bus, name: bus.depth(name, "c"),
        lambda bus, name: bus.channels(name),
        lambda bus, name: bus.peek(name, 1),
        lambda bus, name: bus.forget(name),
    ],
)
def test_a_name_that_is_no_text_is_refused_in_one_line(bus, look):
    """Half of a surrogate pair, as a broken argument has it."""
    with pytest.raises(BusError, match="no name: it is no Unicode text"):
        look(bus, "caf\udce9")


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
    consumer.settle(consumer.receive(1, 0), [Message("done", b"done")])
    assert (bus.depth("load", "load"), bus.depth("done", "x")) == (0, 1)
    consumer.close()
    assert bus.subscribe("load", "load").receive(1, 0) == ()


def test_settling_in_any_order_settles_exactly_those(bus):
    """Runs of numbers become one statement; holes stay."""
    consumer = bus.subscribe("load", "load")
    send(bus, *[b"%d" % number for number in range(10)])
    deliveries = consumer.receive(10, 0)
    consumer.settle([deliveries[i] for i in (7, 2, 1, 9, 0, 6)], [])
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


def test_an_extended_lease_lasts_from_then_on(open_bus, monkeypatch):
    """And the delivery can still be settled."""
    now = [time.time()]
    for module in ("channel", "consumer"):
        monkeypatch.setattr(f"task_bus_sqlite.{module}.time", lambda: now[0])
    bus = open_bus(lease=10)
    send(bus, b"1")
    consumer, other = bus.subscribe("load", "load"), bus.subscribe("load", "load")
    held = consumer.receive(1, 0)
    for _ in range(3):
        now[0] += 6
        assert other.receive(1, 0) == ()
        consumer.extend(held)
    consumer.ack(held)
    now[0] += 15
    assert other.receive(1, 0) == ()


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
        slow.settle(held, [Message("done", b"done")])
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
        slow.settle(held, [Message("done", b"1"), Message("done", b"2")])
    (lost,) = caught.value.deliveries
    assert lost is held[0]
    slow.settle(held[1:], [Message("done", b"2")])
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
        lambda: consumer.settle([], []),
        bus.topics,
        bus.ping,
        bus.producer,
    ):
        with pytest.raises(BusClosedError, match="closed"):
            call()


def test_receive_waits_its_time_and_not_longer(bus):
    """Zero does not wait. The machine may stand still, but not each time."""
    consumer = bus.subscribe("load", "load")

    def took(timeout):
        begin = time.monotonic()
        assert consumer.receive(1, timeout) == ()
        return time.monotonic() - begin

    assert min(took(0) for _ in range(5)) < 0.05
    waits = [took(0.1) for _ in range(5)]
    assert 0.1 <= min(waits) < 0.3


def test_a_wake_ends_the_wait_or_the_next_one(bus):
    """From any thread."""
    consumer = bus.subscribe("load", "load")
    threading.Timer(0.05, consumer.wake).start()
    begin = time.monotonic()
    assert consumer.receive(1, 10) == ()
    consumer.wake()
    assert consumer.receive(1, 10) == ()
    assert time.monotonic() - begin < 5


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


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (Message("load", b"x" * 2000), "has 2000 bytes, and SQLite can carry 800"),
        (Message("\ud800", b""), "is no Unicode text"),
        (Message("load", b"", headers={"a": "\ud800"}), "headers that are no Unicode"),
        (Message("load", b"", priority=2**64), "a priority beyond 64 bits"),
    ],
)
def test_what_can_never_be_carried_is_singled_out_and_nothing_is_sent(
    bus, bad, problem
):
    """So that the others can go without it, also those that settle something."""
    consumer = bus.subscribe("work", "work")
    send(bus, b"1", topic="work")
    deliveries = consumer.receive(1, 0)
    bus._file._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1000)
    bus._file.longest = 1000
    messages = [Message("load", b"good"), bad, Message("load", b"good"), bad]
    for send_all in (bus.producer().send, lambda m: consumer.settle(deliveries, m)):
        with pytest.raises(PayloadError, match=problem) as caught:
            send_all(messages)
        assert caught.value.refused == (1, 3)
    assert bus.depth("load", "x") == 0
    consumer.settle(deliveries, messages[::2])
    assert bus.depth("load", "x") == 2


def test_never_more_than_the_limit_when_what_came_back_and_fresh_ones_mix(open_bus):
    """Given back, expired, due, urgent and new ones: all count."""
    bus = open_bus(lease=0.01)
    consumer = bus.subscribe("load", "load")
    send(bus, *[b"%d" % n for n in range(4)])
    consumer.receive(2, 0)
    send(bus, b"urgent", priority=3)
    send(bus, b"low", priority=-3)
    time.sleep(0.02)  # a lease ends by the clock alone
    sizes, seen = [], []
    while len(seen) < 6:
        found = consumer.receive(2 if sizes else 3, 0)
        sizes.append(len(found))
        seen += bodies(found)
        consumer.ack(found)
    assert sizes == [3, 2, 1]
    assert seen == [b"urgent", b"0", b"1", b"2", b"3", b"low"]


def test_a_lock_that_comes_and_goes_is_no_long_one(open_bus, path):
    """Patience counts from one claim that succeeded to the next, not in all."""
    bus = open_bus(patience=timedelta(seconds=0.3))
    consumer = bus.subscribe("load", "load")
    other = sqlite3.connect(path, isolation_level=None)
    for _ in range(3):
        send(bus, b"1")
        other.execute("BEGIN IMMEDIATE")
        assert consumer.receive(1, 0.2) == ()
        other.execute("ROLLBACK")
        consumer.ack(consumer.receive(1, 5))
    other.close()
