"""Channels: how full they are, how they are deleted, and which go by themselves."""

import time

import pytest
from nsq_backdoor import NsqBackdoor

from task_core.api import BusError, ChannelState


@pytest.fixture(scope="module")
def pair(start_nsqd):
    """Two nsqds; temporary channels live in memory, so they must have some."""
    memory = {"options": ("--mem-queue-size=100",)}
    return start_nsqd(**memory), start_nsqd(**memory)


@pytest.fixture
def bus(pair, buses):
    return buses(nsqd=tuple(it.tcp for it in pair), http=tuple(it.http for it in pair))


@pytest.fixture
def doors(pair):
    return [NsqBackdoor(nsqd) for nsqd in pair]


def test_each_channel_tells_what_waits_and_what_is_held_on_all_nsqds(bus, doors):
    topic = doors[0].topic()
    work, audit = bus.subscribe(topic, "work"), bus.subscribe(topic, "audit")
    for door in doors:
        door.put(topic, [b"1", b"2"])
    held = []
    while len(held) < 4:
        held += work.receive(4 - len(held), 5)
    assert bus.channels(topic) == [
        ChannelState("audit", 4, 0),
        ChannelState("work", 0, 4),
    ]
    audit.close()


def test_a_topic_that_is_not_there_has_no_channels(bus, doors):
    assert bus.channels(doors[0].topic()) == []


def test_a_deleted_channel_takes_what_waits_on_it_from_every_nsqd(bus, doors):
    topic = doors[0].topic()
    for channel in ("work", "audit"):
        bus.subscribe(topic, channel).close()
    for door in doors:
        door.put(topic, [b"1"])
    bus.forget(topic, "audit")
    assert bus.channels(topic) == [ChannelState("work", 2, 0)]


def test_a_deleted_topic_is_gone_from_every_nsqd(bus, doors):
    topic = doors[0].topic()
    for door in doors:
        door.put(topic, [b"1"])
    bus.forget(topic)
    assert topic not in bus.topics()


def test_what_is_not_there_is_deleted_without_a_word(bus, doors):
    topic = doors[0].topic()
    bus.forget(topic)
    bus.forget(topic, "c")
    doors[0].put(topic, [b"1"])
    bus.forget(topic, "c")


def test_a_temporary_channel_goes_with_its_reader(bus, doors):
    topic = doors[0].topic()
    bus.subscribe(topic, "work").close()
    looker = bus.subscribe(topic, "look", temporary=True)
    for door in doors:
        door.put(topic, [b"1"])
    assert looker.receive(1, 5)
    looker.close()
    deadline = time.monotonic() + 5
    while [it.name for it in bus.channels(topic)] != ["work"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert bus.depth(topic, "work") == 2


def test_who_looks_takes_nothing_from_an_nsqd_that_has_no_channel_yet(bus, doors):
    """The others may have one: each keeps what it has for its own first channel."""
    topic = doors[0].topic()
    doors[0].put(topic, [b"1"])
    assert doors[0].take(topic)  # on a channel of its own, which stays
    doors[1].put(topic, [b"2", b"3"])
    with pytest.raises(BusError, match=f"'{topic}' keeps 2 for its first channel"):
        bus.subscribe(topic, "look", temporary=True)
    assert doors[1].take(topic) == [b"2", b"3"]
    bus.subscribe(topic, "look", temporary=True).close()


def test_a_temporary_channel_may_have_a_name_of_any_length(bus, doors):
    topic = doors[0].topic()
    looker = bus.subscribe(topic, "x" * 64, temporary=True)
    assert [len(it.name) for it in bus.channels(topic)] == [64]
    looker.close()
