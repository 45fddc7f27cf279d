"""What the bus promises beyond the contract: it costs Redis little, and is clear."""

import threading
import time

import pytest
from brokers.ports import split
from brokers.redis import Redis
from redis import Redis as Client

from task_core.api import (
    BusConnectionError,
    BusError,
    Message,
    SendError,
)


@pytest.fixture
def client(redis):
    host, port = split(redis.address)
    return Client(host, port, protocol=2)


def test_done_tasks_leave_no_memory_behind(open_bus, client, topic):
    """Acknowledged messages are deleted: streams do not only grow."""
    bus = open_bus()
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()

    def memory():
        return client.info("memory")["used_memory"]

    def fill(thousands):
        for _ in range(thousands):
            producer.send([Message(topic, b"x" * 200)] * 1000)

    def empty():
        while found := consumer.receive(1000, 0.1):
            consumer.ack(found)

    fill(1)  # buffers and scripts stay: newer servers keep half a megabyte for them
    empty()
    before = memory()
    fill(20)
    full = memory() - before
    empty()
    rest = memory() - before
    assert rest < full / 10


def test_who_only_looks_takes_nothing_from_the_first_channel(open_bus, topic):
    """What a topic keeps, and what comes meanwhile, is for the first that stays."""
    bus = open_bus()
    producer = bus.producer()
    producer.send([Message(topic, b"1")])
    looking = bus.subscribe(topic, "look", temporary=True)
    producer.send([Message(topic, b"2")])
    producer.send([Message(topic, b"3"), Message(topic, b"4")])
    seen = looking.receive(5, 5)
    assert [one.body for one in seen] == [b"2", b"3", b"4"]
    looking.ack(seen)
    looking.close()
    found = bus.subscribe(topic, "work").receive(5, 5)
    assert [one.body for one in found] == [b"1", b"2", b"3", b"4"]


def test_an_idle_reader_asks_for_nothing(open_bus, client, topic):
    """It waits in the server, and looks for what is late each third of its lease."""
    consumer = open_bus(lease=3.0).subscribe(topic, "c")
    consumer.receive(1, 0.1)
    before = client.info("stats")["total_commands_processed"]
    consumer.receive(1, 3.0)
    used = client.info("stats")["total_commands_processed"] - before
    # A script counts with the commands in it: six each time, and our own question.
    assert used <= 4 * 8


def test_a_delayed_message_wakes_who_waits_when_it_is_due(open_bus, topic):
    """Though the reader began to wait before anybody knew of it."""
    bus = open_bus(lease=30.0)
    consumer = bus.subscribe(topic, "c")
    other = open_bus()
    timer = threading.Timer(
        0.3, lambda: other.producer().send([Message(topic, b"late", delay=0.5)])
    )
    begin = time.monotonic()
    timer.start()
    (delivery,) = consumer.receive(1, 5)
    assert delivery.body == b"late"
    assert 0.7 < time.monotonic() - begin < 5
    timer.join()


def test_what_a_short_lease_holds_is_not_robbed_by_a_long_one_and_the_other_way(
    open_bus, topic
):
    """Each lease is that of its holder."""
    long, short = open_bus(lease=30.0), open_bus(lease=1.0)
    holder, robber = long.subscribe(topic, "c"), short.subscribe(topic, "c")
    long.producer().send([Message(topic, b"a")])
    (delivery,) = holder.receive(1, 1)
    assert robber.receive(1, 2.0) == ()
    holder.ack([delivery])


def test_scripts_that_were_flushed_are_loaded_again(open_bus, client, topic):
    """An operator may flush them at any time."""
    bus = open_bus()
    producer, consumer = bus.producer(), bus.subscribe(topic, "c")
    producer.send([Message(topic, b"a")])
    client.script_flush()
    producer.send([Message(topic, b"b")])
    found = [*consumer.receive(9, 1)]
    client.script_flush()
    consumer.settle(found, [])
    assert [delivery.body for delivery in found] == [b"a", b"b"]


def test_short_waits_are_not_as_long_as_the_server_takes_to_look(start, open_at, topic):
    """Here it looks once a second; a launcher has other things to do meanwhile."""
    bus = open_at(start(Redis, options={"hz": 1, "dynamic-hz": "no"}))
    consumer = bus.subscribe(topic, "c")
    begin = time.monotonic()
    for _ in range(20):
        assert consumer.receive(1, 0.01) == ()
    assert time.monotonic() - begin < 8
    bus.producer().send([Message(topic, b"a")])
    assert [one.body for one in consumer.receive(1, 5)] == [b"a"]


def test_a_full_server_is_an_outage_and_says_so(start, open_at, topic):
    """What waits can still be done; sending may work when there is room."""
    limits = {"maxmemory": "2mb", "maxmemory-policy": "noeviction"}
    producer = open_at(start(Redis, options=limits)).producer()
    full = [Message(topic, b"x" * 100_000)] * 40
    with pytest.raises(SendError, match="takes nothing more") as caught:
        producer.send(full)
    assert caught.value.transient


def test_a_full_server_still_hands_out_what_waits(start, open_at, topic):
    """A delayed message that is due has to wait for room: what is done makes some."""
    limits = {"maxmemory": "3mb", "maxmemory-policy": "noeviction"}
    bus = open_at(start(Redis, options=limits))
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    producer.send([Message(topic, b"late" * 9000, delay=0.3)])
    with pytest.raises(SendError, match="takes nothing more"):
        [producer.send([Message(topic, b"x" * 50_000)]) for _ in range(100)]
    time.sleep(0.3)  # it is due by the clock alone
    bodies = []
    while found := consumer.receive(100, 5):
        bodies += [one.body[:4] for one in found]
        consumer.ack(found)
        if b"late" in bodies:
            break
    assert bodies[0] == b"xxxx"
    assert bodies[-1] == b"late"


def test_what_is_given_back_wakes_all_who_have_room(open_bus, topic):
    """One is told, and takes what it can; it tells the next one."""
    bus = open_bus(lease=90.0)
    bus.producer().send([Message(topic, b"%d" % number) for number in range(6)])
    holder = bus.subscribe(topic, "c")
    assert len(holder.receive(6, 5)) == 6
    readers = [open_bus(lease=90.0).subscribe(topic, "c") for _ in range(3)]
    found = []
    threads = [
        threading.Thread(target=lambda one=one: found.extend(one.receive(1, 9)))
        for one in readers
    ]
    for one in readers:
        assert one.receive(1, 0.01) == ()  # from here on they look in ten seconds
    for thread in threads:
        thread.start()
    holder.close()
    for thread in threads:
        thread.join()
    assert len(found) == 3


def test_a_wake_that_overtakes_the_read_is_said_again(open_bus, topic, monkeypatch):
    """They go over two connections; the read would go on for as long as it may."""
    consumer = open_bus(lease=90.0).subscribe(topic, "c")
    assert consumer.receive(1, 0.01) == ()
    call, said = consumer._control.call, []

    def overtake(*words):
        said.append(words)
        return call(*words) if len(said) > 1 else 0

    monkeypatch.setattr(consumer._control, "call", overtake)
    timer = threading.Timer(0.2, consumer.wake)
    timer.start()
    assert consumer.receive(1, 60) == ()
    timer.join()
    assert len(said) > 1


class Narrow:
    """A socket that takes little at a time, each time late."""

    def __init__(self, socket):
        self._socket = socket
        self.parts = 0

    def __getattr__(self, name):
        return getattr(self._socket, name)

    def send(self, data):
        self.parts += 1
        return self._socket.send(bytes(data[:1000]))


def test_a_long_command_has_time_as_long_as_some_of_it_gets_through(open_bus, topic):
    """On a slow line it was given up half way, and sent again for ever."""
    bus = open_bus()
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    bus.ping()
    link = producer._link
    link.connect()
    narrow = link._socket = Narrow(link._socket)
    producer.send([Message(topic, b"x" * 100_000)])
    assert narrow.parts > 100
    assert [len(one.body) for one in consumer.receive(1, 5)] == [100_000]


def test_who_only_looks_makes_no_topic(open_bus, topic):
    """A name that was mistyped once would stay in the list."""
    bus = open_bus()
    looker = bus.subscribe(topic, "look", temporary=True)
    bus.producer().send([Message(f"{topic}-other", b"1")])
    assert looker.receive(1, 0.01) == ()
    looker.close()
    assert topic not in bus.topics()
    assert f"{topic}-other" in bus.topics()


def test_a_database_that_is_not_there_is_named(open_bus):
    """One line, at the first use."""
    with pytest.raises(BusError, match="has no such database"):
        open_bus(db="/99").ping()


def test_a_deleted_channel_is_made_again(open_bus, topic):
    """Somebody deleted it while we waited."""
    bus = open_bus()
    consumer = bus.subscribe(topic, "c")
    bus.forget(topic)
    try:
        consumer.receive(1, 0.2)
    except BusConnectionError:
        pytest.fail("no connection was lost")
    bus.producer().send([Message(topic, b"a")])
    assert [one.body for one in consumer.receive(1, 2)] == [b"a"]


@pytest.mark.parametrize("count", [1, 2])
def test_only_channels_that_live_get_what_is_sent(open_bus, client, topic, count):
    """A temporary one that is over gets nothing: all waits for the first channel."""
    bus, channels = open_bus(), f"task:{{{topic}}}:channels"
    producer, messages = bus.producer(), [Message(topic, b"a")] * count
    bus.subscribe(topic, "over", temporary=True)
    client.zadd(channels, {"over": 1})
    producer.send(messages)
    assert client.xlen(f"task:{{{topic}}}:tasks:over") == 0
    later = bus.subscribe(topic, "c")
    assert len(later.receive(5, 5)) == count
    client.zadd(channels, {"over": 10**15})
    producer.send(messages)
    assert bus.depth(topic, "over") == bus.depth(topic, "c") == count


class Interrupted:
    """A socket at which somebody presses Ctrl-C half way.

    Args:
        socket: Gets the first half of what is sent.
    """

    def __init__(self, socket):
        self._socket = socket

    def send(self, data):
        """Send half."""
        self._socket.sendall(data[: len(data) // 2])
        raise KeyboardInterrupt


def test_who_is_interrupted_half_way_begins_anew(open_bus, topic):
    """What is sent next is not taken for the rest of what was not sent."""
    bus = open_bus()
    producer = bus.producer()
    producer.send([Message(topic, b"1")])
    bus._link._socket = Interrupted(bus._link._socket)
    with pytest.raises(KeyboardInterrupt):
        producer.send([Message(topic, b"2")])
    producer.send([Message(topic, b"3")])
    assert bus.peek(topic, 9) == [b"1", b"3"]
