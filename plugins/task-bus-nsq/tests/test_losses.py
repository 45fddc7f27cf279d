"""What nsqd's counts say of a receipt that is not the first."""

import pytest
from brokers.crashes import lost_over_stops
from brokers.ports import free_address
from nsq_backdoor import NsqBackdoor


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
