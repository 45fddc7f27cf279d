"""What a long life brings: killed readers, other leases, a server that forgot."""

import time

import pytest
from brokers.insist import until
from brokers.ports import split
from redis import Redis as Client
from task_bus_redis import consumer as consumers

from task_core.api import BusError, Message, PayloadError


@pytest.fixture
def client(redis):
    host, port = split(redis.address)
    return Client(host, port, protocol=2, decode_responses=True)


def test_what_is_given_back_is_found_behind_much_that_is_held_for_long(
    open_bus, client, topic
):
    """Somebody once read with a short lease: a hundred that are idle are not late."""
    open_bus(lease=0.1).subscribe(topic, "c").close()
    bus = open_bus(lease=60.0)
    holder = bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"%d" % at) for at in range(121)])
    found = [*holder.receive(200, 1)]
    while len(found) < 121:
        found += holder.receive(200, 1)
    holder.nack(found[120:])
    stream = f"task:{{{topic}}}:tasks:c"
    until(lambda: client.xpending(stream, "task")["pending"] == 121)
    time.sleep(0.2)  # longer than the short lease
    other = open_bus(lease=60.0).subscribe(topic, "c")
    assert [one.body for one in other.receive(1, 5)] == [b"120"]
    before = client.info("stats")["total_commands_processed"]
    assert other.receive(1, 0.6) == ()
    assert client.info("stats")["total_commands_processed"] - before < 100


def test_a_reader_looks_for_what_is_due_though_leases_are_long(open_bus, topic):
    """Another one heard of it, and is busy by then."""
    bus = open_bus(lease=3600.0)
    consumer = bus.subscribe(topic, "c")
    consumer.receive(1, 0.05)
    assert consumer._look_at - time.monotonic() <= 10


def test_what_came_before_the_server_forgot_all_can_be_given_back(
    open_bus, client, topic
):
    """Nobody can have it any more: that is no error, and leaves nothing behind."""
    bus = open_bus()
    consumer = bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"a"), Message(topic, b"b")])
    first, second = consumer.receive(2, 1)
    client.delete(*client.keys(f"task:{{{topic}}}:*"))
    consumer.nack([first])
    consumer.nack([second], 1.0)
    assert client.keys(f"task:{{{topic}}}:*") == []


def test_a_temporary_channel_whose_reader_was_killed_leaves_nothing(
    open_bus, client, topic
):
    """Nor what was to come later: whoever reads the topic next clears up."""
    bus = open_bus()
    bus.subscribe(topic, "look", temporary=True)
    look = f"task:{{{topic}}}:*:look"
    assert all(client.ttl(key) > 0 for key in client.keys(look))
    bus.producer().send([Message(topic, b"a", delay=60), Message(topic, b"b")])
    client.zadd(f"task:{{{topic}}}:channels", {"look": 1})  # its time is over
    open_bus().subscribe(topic, "c")
    assert client.keys(look) == []
    assert client.hkeys(f"task:{{{topic}}}:leases") == ["c"]


def test_a_lease_that_is_over_holds_nothing(open_bus, topic):
    """Who starts workers by the depth must see it, when the only one was killed."""
    bus = open_bus(lease=1.0)
    consumer = bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"a")])
    assert len(consumer.receive(1, 1)) == 1
    (held,) = bus.channels(topic)
    assert (held.waiting, held.held) == (0, 1)
    time.sleep(1.1)  # a lease ends by the clock alone
    (over,) = bus.channels(topic)
    assert (over.waiting, over.held, bus.depth(topic, "c")) == (1, 0, 1)


def test_names_of_readers_that_were_killed_are_deleted(
    open_bus, client, topic, monkeypatch
):
    """Else each crash is a name in Redis for ever; what they hold is not."""
    bus = open_bus()
    producer = bus.producer()
    for body in (b"held", b"done"):
        killed = bus.subscribe(topic, "c")
        producer.send([Message(topic, body)])
        (delivery,) = killed.receive(1, 1)
        if body == b"done":
            killed.ack([delivery])
        killed._link.drop()
    stream = f"task:{{{topic}}}:tasks:c"
    assert len(client.xinfo_consumers(stream, "task")) == 2
    bus.subscribe(topic, "c")
    assert len(client.xinfo_consumers(stream, "task")) == 2
    monkeypatch.setattr(consumers, "SILENCE", 0.001)
    time.sleep(0.01)
    bus.subscribe(topic, "c")
    (left,) = client.xinfo_consumers(stream, "task")
    assert left["pending"] == 1


def test_a_name_that_is_no_text_is_an_error_of_one_line(open_bus, topic):
    """It came from the command line, or from a name of a file."""
    bus, wrong = open_bus(), "caf\udce9"
    for call in (bus.subscribe, bus.depth, bus.forget):
        with pytest.raises(BusError, match="no name of a topic: it is no Unicode"):
            call(wrong, "c")
    assert bus.depth(topic, wrong) == 0
    with pytest.raises(BusError, match="no name of a channel: it is no Unicode"):
        bus.subscribe(topic, wrong)
    for messages in ([Message(wrong, b"a")], [Message(wrong, b"a"), Message("b", b"")]):
        with pytest.raises(PayloadError, match="no name of a topic") as caught:
            bus.producer().send(messages)
        assert [*caught.value.refused] == [0]
