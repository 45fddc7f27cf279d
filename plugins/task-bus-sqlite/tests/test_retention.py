"""Rules of `task_bus_sqlite.retention`: what is settled goes, and nothing else."""

import time
from datetime import timedelta

from sqlite_bodies import bodies, rows, send, stored
from task_bus_sqlite.options import ReadFrom


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


def test_kept_messages_stay_for_their_time_whoever_uses_the_file(open_bus, monkeypatch):
    """Others have a `keep` of their own, and none if they only send or look."""
    bus = open_bus(keep=timedelta(hours=1))
    consumer = bus.subscribe("load", "load")
    send(bus, b"1", b"2")
    consumer.ack(consumer.receive(9, 0))
    for options in ({}, {"keep": timedelta(hours=1)}):
        send(open_bus(**options), b"", topic="other")
        looker = open_bus(**options).subscribe("load", "look", temporary=True)
        looker.receive(1, 0)
        looker.close()
    assert stored(bus) == 4
    assert bus._file.read("SELECT count(*) FROM kept")[0] == 2
    late = time.time() + 3601
    monkeypatch.setattr("task_bus_sqlite.retention.time", lambda: late)
    bus._database.retention.sweep(bus._file.transaction)
    assert stored(bus) == 2


def test_kept_messages_stay_when_one_of_several_channels_is_deleted(open_bus):
    """With the last one they go: its heir would do them again."""
    bus = open_bus(keep=timedelta(hours=1))
    names = ("one", "two", "three")
    consumers = [bus.subscribe("load", name) for name in names]
    send(bus, b"1", b"2")
    for consumer in consumers:
        consumer.ack(consumer.receive(9, 0))
    bus.subscribe("load", "late")  # which never wanted them
    open_bus().forget("load", "one")
    bus.forget("load", "two")
    assert stored(bus) == 2
    bus.forget("load", "three")
    assert stored(bus) == 2
    bus.forget("load", "late")
    assert stored(bus) == 0
    bus.forget("load")
    assert rows(bus) == {}


def test_only_what_every_channel_has_settled_is_deleted(open_bus):
    """Neither what is held, given back or waits, nor what one channel has not seen."""
    bus = open_bus(keep=timedelta(seconds=0.05))
    one, two = bus.subscribe("load", "one"), bus.subscribe("load", "two")
    send(bus, *[b"%d" % n for n in range(8)])
    held = one.receive(5, 0)
    one.ack(held[:3])
    one.nack(held[3:4])
    two.ack(two.receive(2, 0))
    two.receive(4, 0)
    time.sleep(0.1)  # it is kept by the clock alone
    for consumer in (bus.subscribe("x", "x"), open_bus().subscribe("x", "x")):
        consumer._tidy()
    left = [body for (body,) in bus._file.rows("SELECT body FROM messages ORDER BY id")]
    assert left == [b"2", b"3", b"4", b"5", b"6", b"7"]
    assert bodies(one.receive(9, 0)) == [b"3", b"5", b"6", b"7"]


def test_one_channel_after_two_deletes_at_once_again(bus):
    """What is noted for each channel is for two and more."""
    worker, other = bus.subscribe("load", "load"), bus.subscribe("load", "other")
    send(bus, b"1")
    worker.ack(worker.receive(1, 0))
    other.ack(other.receive(1, 0))
    bus.forget("load", "other")
    worker._tidy()
    send(bus, b"2")
    worker.ack(worker.receive(1, 0))
    assert worker._alone
    assert rows(bus) == {"topics": 1, "channels": 1}


def test_a_file_shrinks_when_its_messages_have_gone(bus, path):
    """A backlog of one night must not fill the disk for ever."""
    consumer = bus.subscribe("load", "load")
    send(bus, *[b"x" * 5000] * 2000)
    bus._file.read("PRAGMA wal_checkpoint(TRUNCATE)")
    full = path.stat().st_size
    while found := consumer.receive(1000, 0):
        consumer.ack(found)
    for _ in range(9):
        consumer._tidy()
    bus._file.read("PRAGMA wal_checkpoint(TRUNCATE)")
    assert full > 10_000_000
    assert path.stat().st_size < 2_000_000
    send(bus, b"1")
    assert bodies(consumer.receive(9, 0)) == [b"1"]


def test_a_file_shrinks_at_the_end_too(bus, path):
    """Who drains it each night does not stay to do so."""
    consumer = bus.subscribe("load", "load")
    send(bus, *[b"x" * 5000] * 2000)
    while found := consumer.receive(1000, 0):
        consumer.ack(found)
    consumer.close()
    bus._file.read("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < 5_000_000
