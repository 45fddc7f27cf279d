"""What nsqd's counts say of a receipt that is not the first."""

import threading
import time
from datetime import timedelta

import pytest
from brokers.crashes import lost_over_stops
from brokers.ports import free_address
from nsq_backdoor import NsqBackdoor
from task_bus_nsq import losses

from task_core.api import Delivery


@pytest.fixture
def door(nsqd):
    return NsqBackdoor(nsqd)


def subscribed(bus, door):
    topic = door.topic()
    door.put(topic, [b"1"])
    return topic, bus.subscribe(topic, "c")


def test_what_was_given_back_is_told_from_what_was_lost(nsqd, buses, door):
    """By processes before this one, too: each here has a bus of its own."""

    def bus():
        return buses(1.0, nsqd=(nsqd.tcp,), http=(nsqd.http,))

    topic, consumer = subscribed(bus(), door)
    for attempt in range(1, 5):
        (one,) = consumer.receive(1, 10)
        assert (one.attempt, one.returned) == (attempt, attempt - 1)
        consumer.close()
        consumer = bus().subscribe(topic, "c")
    (lost,) = consumer.receive(1, 10)
    consumer = bus().subscribe(topic, "c")
    (one,) = consumer.receive(1, 20)  # only when the other's lease is over
    assert (one.attempt, one.returned) == (lost.attempt + 1, lost.attempt - 1)
    assert one.unsure == 1  # another message may be the one that was lost


def test_without_http_each_receipt_may_be_a_loss(nsqd, buses, door):
    """So that what kills is put aside even then."""
    bus = buses(nsqd=(nsqd.tcp,), http=(free_address(),))
    _, consumer = subscribed(bus, door)
    consumer.nack(consumer.receive(1, 10))
    (one,) = consumer.receive(1, 10)
    assert (one.attempt, one.returned, one.unsure) == (2, 0, 1)


def test_http_that_says_nothing_does_not_hold_up_who_receives(
    nsqd, buses, door, listening
):
    """It has leases to renew meanwhile."""
    http = tuple(f"127.0.0.1:{listening()}" for _ in range(3))
    long = timedelta(seconds=60)
    _, consumer = subscribed(
        buses(nsqd=(nsqd.tcp,), http=http, connect_timeout=long), door
    )
    begin = time.monotonic()
    for attempt in range(1, 5):
        (one,) = consumer.receive(1, 10)
        assert (one.attempt, one.unsure) == (attempt, attempt - 1)
        consumer.nack([one])
    assert time.monotonic() - begin < 60


def test_unless_all_nsqds_tell_each_receipt_may_be_a_loss(start_nsqd, buses):
    """What one of them does not tell may have killed."""
    first, second = start_nsqd(), start_nsqd()
    door = NsqBackdoor(first)
    bus = buses(nsqd=(first.tcp, second.tcp), http=(first.http,))
    _, consumer = subscribed(bus, door)
    consumer.nack(consumer.receive(1, 10))
    (one,) = consumer.receive(1, 10)
    assert (one.attempt, one.returned, one.unsure) == (2, 0, 1)


def test_what_is_confirmed_while_nsqd_stops_is_kept(start_nsqd, buses, door):
    """It ends in some order, and goes on confirming for a while."""
    own = start_nsqd()

    def bus():
        return buses(2.0, nsqd=(own.tcp,), http=(own.http,))

    assert lost_over_stops(own, bus, door.topic()) == set()


class Slow:
    """Counts leases, and tells when it may."""

    def __init__(self):
        self.may_tell = threading.Event()
        self.asked = 0

    def __call__(self, nsqds):
        self.asked += 1
        assert self.may_tell.wait(60)
        return 0


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(losses, "_PATIENCE", 0.05)
    monkeypatch.setattr(losses, "_FRESH", 3600.0)
    slow = Slow()
    yield slow
    slow.may_tell.set()


def explained(known):
    """Return how often a second receipt was given back."""
    delivery = Delivery(b"", None, 2)
    known.explain([delivery])
    assert delivery.returned + delivery.unsure == 1
    return delivery.returned


def test_who_is_slow_to_tell_keeps_nobody_waiting(slow):
    """Who receives has leases to renew; until it is told, each may be a loss."""
    known = losses.Losses(slow, lambda: 1)
    assert [explained(known) for _ in range(3)] == [0, 0, 0]
    assert slow.asked == 1
    slow.may_tell.set()
    assert known._answered.wait(60)
    assert explained(known) == 1


def test_who_was_slow_is_awaited_again_when_it_has_been_quick(slow, monkeypatch):
    known = losses.Losses(slow, lambda: 1)
    assert explained(known) == 0
    slow.may_tell.set()
    assert known._answered.wait(60)
    assert not known._is_quick
    monkeypatch.setattr(losses, "_PATIENCE", 60.0)  # a busy machine is quick, too
    known._known, known._ask_at = None, 0.0
    explained(known)
    assert known._answered.wait(60)
    known._known, known._ask_at = None, 0.0
    assert explained(known) == 1


def test_where_no_thread_begins_any_more_each_may_be_a_loss():
    """As at the end of a program: several are asked by a thread each."""

    def ask(nsqds):
        raise RuntimeError("can't start new thread")

    assert explained(losses.Losses(ask, lambda: 2)) == 0
