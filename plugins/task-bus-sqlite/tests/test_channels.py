"""Rules of `task_bus_sqlite.channels`: what a channel sees, and when it goes."""

import math
import time
from datetime import timedelta

import pytest
from sqlite_bodies import bodies, rows, send, stored
from task_bus_sqlite import channels as sqlite_channels
from task_bus_sqlite.options import ReadFrom

from task_core.api import ChannelState, LeaseLostError


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


def test_consumers_on_one_channel_share_its_messages(bus, open_bus):
    """In one process or in two connections."""
    send(bus, b"1", b"2", b"3")
    one, two = bus.subscribe("load", "load"), open_bus().subscribe("load", "load")
    assert bodies(one.receive(1, 0)) == [b"1"]
    assert bodies(two.receive(1, 0)) == [b"2"]
    assert bodies(one.receive(9, 0)) == [b"3"]


def test_depth_counts_what_nobody_holds(open_bus):
    """Fresh, given back, delayed, and what has outlived its lease."""
    bus = open_bus(lease=0.5)
    consumer = bus.subscribe("load", "load")
    assert (bus.depth("load", "load"), bus.depth("other", "x")) == (0, 0)
    send(bus, b"1", b"2", b"3", b"4")
    held = consumer.receive(3, 0)
    consumer.nack(held[:1], delay=60)
    consumer.ack(held[1:2])
    assert bus.depth("load", "load") == 2
    time.sleep(0.6)  # a lease ends by the clock alone
    assert bus.depth("load", "load") == 3


def test_depth_is_exact_whatever_was_settled(open_bus):
    """In order or not, by one channel or two, with and without priorities."""
    bus = open_bus()
    first = bus.subscribe("load", "first")
    send(bus, *[b"%d" % n for n in range(5)])
    second = bus.subscribe("load", "second")
    send(bus, b"5", b"6", b"7")
    send(bus, b"urgent", priority=1)
    assert (bus.depth("load", "first"), bus.depth("load", "second")) == (9, 4)
    held = first.receive(4, 0)
    assert bodies(held) == [b"urgent", b"0", b"1", b"2"]
    first.ack(held[::2])
    assert (bus.depth("load", "first"), bus.depth("load", "second")) == (5, 4)
    second.ack(second.receive(2, 0))
    first.nack(held[1::2])
    assert (bus.depth("load", "first"), bus.depth("load", "second")) == (7, 2)
    for consumer in (first, second):
        while found := consumer.receive(2, 0):
            consumer.ack(found)
    assert (bus.depth("load", "first"), bus.depth("load", "second")) == (0, 0)
    assert stored(bus) == 0


def test_a_channel_from_the_start_counts_no_gaps(open_bus):
    """What others had settled before it was made is not there for it."""
    bus = open_bus(from_=ReadFrom.START)
    first = bus.subscribe("load", "first")
    send(bus, b"1", b"2", b"3")
    first.receive(1, 0)
    first.ack(first.receive(1, 0))
    bus.subscribe("load", "late")
    send(bus, b"4")
    assert bus.depth("load", "late") == 3


def test_channels_tell_what_waits_and_what_is_held(open_bus):
    """What has outlived its lease waits again."""
    bus = open_bus(lease=0.05)
    one, two = bus.subscribe("load", "one"), open_bus().subscribe("load", "two")
    send(bus, b"1", b"2", b"3")
    one.receive(1, 0)
    two.receive(2, 0)
    one.nack(one.receive(1, 0))
    time.sleep(0.06)  # a lease ends by the clock alone
    assert bus.channels("load") == [
        ChannelState("one", 3, 0),
        ChannelState("two", 1, 2),
    ]
    assert bus.channels("other") == []


def test_channels_are_counted_at_one_moment(open_bus, monkeypatch):
    """What moves on in between is in one of the numbers: `--drain` ends at none."""
    bus, other = open_bus(), open_bus()
    consumer = other.subscribe("load", "load")
    send(other, b"1")
    held = consumer.receive(1, 0)
    channels = bus._database.channels
    waiting = channels._waiting

    def count_while_it_is_given_back(*args):
        found = waiting(*args)
        consumer.nack(held)
        return found

    monkeypatch.setattr(channels, "_waiting", count_while_it_is_given_back)
    assert bus.channels("load") == [ChannelState("load", 0, 1)]
    monkeypatch.undo()
    assert bus.channels("load") == [ChannelState("load", 1, 0)]


def test_a_temporary_channel_takes_nothing_and_leaves_nothing(bus):
    """Neither from workers that are there nor from the first one that is to come."""
    send(bus, b"1")
    looker = bus.subscribe("load", "look", temporary=True)
    assert looker.receive(9, 0) == ()  # whoever looks back peeks
    send(bus, b"2")
    seen = looker.receive(9, 0)
    assert bodies(seen) == [b"2"]
    looker.ack(seen)
    assert bus.depth("load", "load") == 2
    worker = bus.subscribe("load", "load")
    send(bus, b"3")
    assert bodies(looker.receive(9, 0)) == [b"3"]
    looker.close()
    assert [state.name for state in bus.channels("load")] == ["load"]
    found = worker.receive(9, 0)
    assert bodies(found) == [b"1", b"2", b"3"]
    worker.ack(found)
    assert rows(bus) == {"topics": 1, "channels": 1}


def test_looking_for_a_topic_that_nobody_has_leaves_no_topic(bus):
    """A typing error would stay in every list."""
    bus.subscribe("lod", "look", temporary=True).close()
    assert bus.topics() == []
    assert rows(bus) == {}


def test_what_only_a_temporary_channel_wanted_goes_with_it(open_bus):
    """Messages are kept for it no longer than it is there; or as long as all others."""
    bus = open_bus()
    worker = bus.subscribe("load", "load")
    looker = bus.subscribe("load", "look", temporary=True)
    send(bus, b"1", b"2", b"3")
    worker.ack(worker.receive(2, 0))
    assert stored(bus) == 3
    looker.close()
    assert stored(bus) == 1
    assert bus.depth("load", "load") == 1


def test_a_temporary_channel_goes_when_its_reader_was_killed(open_bus, monkeypatch):
    """After a while; whoever reads or writes sees to it."""
    monkeypatch.setattr(sqlite_channels, "LIFE", 0.1)
    bus = open_bus()
    bus.subscribe("load", "load")
    open_bus().subscribe("load", "look", temporary=True)  # it is never heard of again
    time.sleep(0.15)  # it lives by the clock alone
    for use in (
        lambda: send(open_bus(), b"1"),
        lambda: open_bus().subscribe("load", "load").receive(1, 0),
    ):
        use()
        assert [state.name for state in bus.channels("load")] == ["load"]
        bus.subscribe("load", "look", temporary=True)
        time.sleep(0.15)


def test_a_temporary_channel_whose_reader_was_killed_is_not_shown(bus, monkeypatch):
    """Though nobody has written since, who would have deleted it."""
    monkeypatch.setattr(sqlite_channels, "LIFE", -1.0)  # its time is over already
    bus.subscribe("load", "look", temporary=True)
    assert bus.channels("load") == []
    assert bus.depth("load", "look") == bus.depth("load", "other")
    monkeypatch.undo()
    bus.subscribe("load", "other", temporary=True)
    assert [state.name for state in bus.channels("load")] == ["other"]


def test_a_temporary_channel_lives_as_long_as_its_reader(open_bus, monkeypatch):
    """It says so now and then."""
    monkeypatch.setattr(sqlite_channels, "LIFE", 0.3)
    monkeypatch.setattr("task_bus_sqlite.consumer.RENEW_EVERY", 0.1)
    monkeypatch.setattr("task_bus_sqlite.tidying.EVERY", 0.05)
    monkeypatch.setattr("task_bus_sqlite.consumer.EVERY", 0.05)
    bus = open_bus()
    bus.subscribe("load", "load")
    looker = bus.subscribe("load", "look", temporary=True)
    for _ in range(8):
        assert looker.receive(1, 0.1) == ()
        send(open_bus(), b"", topic="other")
    assert [state.name for state in bus.channels("load")] == ["load", "look"]


def test_a_temporary_channel_lives_though_its_bus_also_sends(bus, monkeypatch):
    """Whoever gets the turn to tidy: its reader says that it lives."""
    monkeypatch.setattr("task_bus_sqlite.consumer.RENEW_EVERY", 0.0)
    looker = bus.subscribe("load", "look", temporary=True)

    def expires():
        return bus._file.read("SELECT expires FROM channels WHERE name = 'look'")[0]

    looker.receive(1, 0)
    before = expires()
    bus._database.tidying._next = math.inf  # somebody else has had it
    looker.receive(1, 0)
    assert expires() > before


def test_a_temporary_channel_stays_when_a_worker_takes_it(open_bus):
    """And one that stays is never made temporary."""
    bus = open_bus()
    looker = bus.subscribe("load", "load", temporary=True)
    bus.subscribe("load", "load")
    late = bus.subscribe("load", "load", temporary=True)
    for one in (looker, late):
        one.close()
        assert [state.name for state in bus.channels("load")] == ["load"]


def test_a_temporary_channel_that_stays_gets_what_waited_for_the_first_one(bus):
    """In its order: with priorities, and when its time has come."""
    send(bus, b"1", b"2")
    send(bus, b"urgent", priority=5)
    send(bus, b"later", delay=60)
    looker = bus.subscribe("load", "load", temporary=True)
    send(bus, b"new")
    assert bodies(looker.receive(9, 0)) == [b"new"]
    worker = bus.subscribe("load", "load")
    assert bus.depth("load", "load") == 4
    found = worker.receive(9, 0)
    assert bodies(found) == [b"urgent", b"1", b"2"]
    worker.ack(found)
    assert stored(bus) == 2
    assert bus.depth("load", "load") == 1


def test_a_temporary_channel_that_is_deleted_takes_nothing_either(bus):
    """What waits for the first one is not what waits on it."""
    send(bus, b"1")
    bus.subscribe("load", "look", temporary=True)
    send(bus, b"2")
    bus.forget("load", "look")
    assert bodies(bus.subscribe("load", "load").receive(9, 0)) == [b"1", b"2"]


def test_who_goes_looks_at_nothing_that_was_there_before(bus):
    """However much waits: all others are locked out for as long."""
    bus.subscribe("load", "load")
    send(bus, *[b""] * 20_000)
    looker = bus.subscribe("load", "look", temporary=True)
    send(bus, b"1")
    steps = []
    bus._file._connection.set_progress_handler(lambda: steps.append(1), 1000)
    looker.close()
    assert len(steps) < 10
    assert bus.depth("load", "load") == 20_001


def test_a_channel_is_forgotten_with_all_that_waits_on_it(bus):
    """What others want stays; what is sent from then on is for a new one."""
    one, two = bus.subscribe("load", "one"), bus.subscribe("load", "two")
    send(bus, b"1", b"2", b"3")
    two.ack(two.receive(1, 0))
    one.receive(1, 0)
    bus.forget("load", "one")
    assert stored(bus) == 2
    assert bodies(bus.subscribe("load", "one").receive(9, 0)) == []
    assert bodies(two.receive(9, 0)) == [b"2", b"3"]
    bus.forget("load", "two")
    bus.forget("load", "one")
    bus.forget("load", "gone")
    bus.forget("gone", "gone")
    assert rows(bus) == {"topics": 1}


def test_a_topic_is_forgotten_with_all_its_channels(bus):
    """And nothing of another one, whose number is the next."""
    consumer = bus.subscribe("load", "load")
    other = bus.subscribe("other", "other")
    send(bus, *[b"%d" % n for n in range(2500)])
    send(bus, b"mine", topic="other")
    consumer.receive(9, 0)
    bus.forget("load")
    assert bus.topics() == ["other"]
    assert bodies(other.receive(9, 0)) == [b"mine"]
    bus.forget("other")
    assert rows(bus) == {}


def test_a_topic_whose_deletion_was_cut_off_tells_what_is_left(open_bus, monkeypatch):
    """All that it counts can be received; or `--drain` would wait for ever."""
    bus = open_bus()
    consumer = bus.subscribe("load", "load")
    send(bus, *[b"%d" % n for n in range(2500)])
    consumer.nack(consumer.receive(5, 0)[:2])
    other = open_bus()
    execute, portions = other._file.execute, iter([None, KeyboardInterrupt()])

    def cut_off(sql, *rest):
        if sql.startswith("DELETE FROM messages") and (error := next(portions)):
            raise error
        return execute(sql, *rest)

    monkeypatch.setattr(other._file, "execute", cut_off)
    with pytest.raises(KeyboardInterrupt):
        other.forget("load")
    assert bus.depth("load", "load") == 1500
    assert len(consumer.receive(9999, 0)) == 1500
    assert rows(bus) == {"topics": 1, "channels": 1, "messages": 1500, "held": 1500}


def test_who_reads_a_channel_that_was_deleted_gets_a_new_one(bus):
    """What it held is lost to it, and it never meets the channel of others."""
    consumer, producer = bus.subscribe("load", "load"), bus.producer()
    send(bus, b"1")
    held = consumer.receive(1, 0)
    bus.forget("load")
    other = bus.subscribe("other", "other")
    send(bus, b"not for load", topic="other")
    with pytest.raises(LeaseLostError):
        consumer.ack(held)
    assert consumer.receive(1, 0.05) == ()
    send(bus, b"2")
    assert bodies(consumer.receive(9, 1)) == [b"2"]
    assert bodies(other.receive(9, 0)) == [b"not for load"]
    producer.send([])
