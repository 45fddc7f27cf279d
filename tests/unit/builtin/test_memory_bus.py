"""Rules of `task_core.builtin.memory_bus`: what the contract asks of every bus."""

import itertools
import signal
import threading
import time

import pytest

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.builtin import buses
from task_core.builtin.bus_options import MemoryOptions
from task_core.errors import (
    BusClosedError,
    LeaseLostError,
    PayloadError,
    UnsupportedCapabilityError,
)

DONE = Message("done", b"done")

names = (f"test-{number}" for number in itertools.count())


@pytest.fixture
def open_bus():
    name, opened = next(names), []

    def open_bus(lease=30.0):
        bus = buses.memory.open(MemoryOptions(name=name), BusContext(lease=lease))
        opened.append(bus)
        return bus

    yield open_bus
    for bus in opened:
        bus.close()


def send(bus, *bodies, topic="load", **more):
    bus.producer().send([Message(topic, body, **more) for body in bodies])


def take(consumer, limit=10, timeout=0.0):
    return [delivery.body for delivery in consumer.receive(limit, timeout)]


def test_messages_arrive_in_the_order_in_which_they_were_sent(open_bus):
    """At most `limit` at a time."""
    bus = open_bus()
    consumer = bus.subscribe("load", "a")
    send(bus, b"1", b"2", b"3")
    assert take(consumer, limit=2) == [b"1", b"2"]
    assert take(consumer, limit=2) == [b"3"]
    assert take(consumer) == []


def test_buses_of_one_name_share_topics_and_others_do_not(open_bus):
    """`memory://name`."""
    consumer = open_bus().subscribe("load", "a")
    other = buses.memory.open(MemoryOptions(name="elsewhere"), BusContext())
    send(other, b"1")
    send(open_bus(), b"2")
    assert take(consumer) == [b"2"]


def test_each_channel_gets_each_message_once(open_bus):
    """Consumers of one channel share; what came before any channel is for the first."""
    bus = open_bus()
    send(bus, b"1")
    first = bus.subscribe("load", "a")
    second = bus.subscribe("load", "b")
    shared = open_bus().subscribe("load", "a")
    send(bus, b"2")
    assert take(second) == [b"2"]
    assert take(first, limit=1) + take(shared) == [b"1", b"2"]


def test_who_looks_takes_nothing_and_leaves_nothing(open_bus):
    """Neither from the first worker that is to come, nor in a list of topics."""
    bus = open_bus()
    send(bus, b"1")
    looker = bus.subscribe("load", "look", temporary=True)
    assert take(looker) == []
    send(bus, b"2")
    assert take(looker) == [b"2"]
    assert bus.depth("load", "load") == 2
    late = bus.subscribe("load", "late", temporary=True)
    send(bus, b"3")
    assert bus.depth("load", "load") == 3
    looker.close()
    worker = bus.subscribe("load", "load")
    assert take(worker) == [b"1", b"2", b"3"]
    send(bus, b"4")
    assert (take(worker), take(late)) == ([b"4"], [b"3", b"4"])
    late.close()
    assert [state.name for state in bus.channels("load")] == ["load"]
    bus.subscribe("laod", "look", temporary=True).close()
    assert bus.topics() == ["load"]


def test_a_channel_of_who_looked_stays_with_all_when_a_worker_takes_it(open_bus):
    """It gets what waited for the first one, and nothing twice."""
    bus = open_bus()
    send(bus, b"1")
    looker = bus.subscribe("load", "load", temporary=True)
    send(bus, b"2")
    worker = bus.subscribe("load", "load")
    assert take(worker) == [b"1", b"2"]
    bus.subscribe("load", "load", temporary=True)
    bus.subscribe("load", "other")
    assert bus.depth("load", "other") == 0
    assert take(looker) == []


def test_a_delivery_that_was_acknowledged_never_comes_again(open_bus):
    """Not even to the next consumer."""
    bus = open_bus()
    consumer = bus.subscribe("load", "a")
    send(bus, b"1", b"2")
    first = consumer.receive(1, 0)
    consumer.ack(first)
    bus.close()
    assert take(open_bus().subscribe("load", "a")) == [b"2"]


def test_what_is_given_back_takes_its_old_place_and_counts_attempts(open_bus):
    """Order holds across a nack."""
    bus = open_bus()
    consumer = bus.subscribe("load", "a")
    send(bus, b"1", b"2", b"3")
    consumer.nack(consumer.receive(2, 0))
    again = consumer.receive(3, 0)
    assert [(d.body, d.attempt) for d in again] == [(b"1", 2), (b"2", 2), (b"3", 1)]


def test_a_nack_with_delay_comes_not_before_its_time(open_bus):
    """And then wakes who waits."""
    bus = open_bus()
    consumer = bus.subscribe("load", "a")
    send(bus, b"1")
    begin = time.monotonic()
    consumer.nack(consumer.receive(1, 0), 0.3)
    assert take(consumer) == []
    assert take(consumer, timeout=5) == [b"1"]
    assert 0.3 <= time.monotonic() - begin < 5


def test_a_message_with_delay_comes_not_before_its_time(open_bus):
    """Others overtake it."""
    bus = open_bus()
    consumer = bus.subscribe("load", "a")
    send(bus, b"late", delay=0.1)
    send(bus, b"now")
    assert take(consumer, timeout=5) == [b"now"]
    assert take(consumer, timeout=5) == [b"late"]


def test_a_delay_counts_from_the_sending_also_before_any_channel(open_bus):
    """The backlog is no second wait."""
    bus = open_bus()
    send(bus, b"1", delay=0.05)
    time.sleep(0.06)
    assert take(bus.subscribe("load", "a")) == [b"1"]


def test_a_lease_that_is_not_renewed_ends(open_bus):
    """Somebody else gets the message; who is late is told, and changes nothing."""
    bus = open_bus(lease=0.05)
    first, second = bus.subscribe("load", "a"), open_bus().subscribe("load", "a")
    send(bus, b"1")
    old = first.receive(1, 0)
    again = second.receive(1, 5)
    assert [(d.body, d.attempt) for d in again] == [(b"1", 2)]
    for settle in (first.ack, lambda held: first.settle(held, [DONE])):
        with pytest.raises(LeaseLostError) as caught:
            settle(old)
        assert caught.value.deliveries == tuple(old)
    assert bus.depth(DONE.topic, "a") == 0
    second.nack(again)
    assert take(second) == [b"1"]


def test_a_lease_that_is_extended_holds(open_bus, monkeypatch):
    """From the moment of the call."""
    now = [0.0]
    monkeypatch.setattr("task_core.builtin.memory_bus.monotonic", lambda: now[0])
    bus = open_bus(lease=1)
    consumer = bus.subscribe("load", "a")
    send(bus, b"1")
    held = consumer.receive(1, 0)
    now[0] = 0.9
    assert take(consumer) == []
    consumer.extend(held)
    now[0] = 1.8
    assert take(consumer) == []
    now[0] = 2.0
    assert take(consumer) == [b"1"]


def test_close_gives_back_everything_unsettled(open_bus):
    """At once, to a consumer that waits already; twice is harmless."""
    bus = open_bus()
    consumer = bus.subscribe("load", "a")
    send(bus, b"1")
    consumer.receive(1, 0)
    waiting = open_bus().subscribe("load", "a")
    threading.Timer(0.02, consumer.close).start()
    assert take(waiting, timeout=5) == [b"1"]
    consumer.close()
    consumer.wake()
    with pytest.raises(BusClosedError):
        consumer.receive(1, 0)


def test_settle_sends_and_acknowledges_or_does_neither(open_bus):
    """A message that cannot be sent keeps the delivery."""
    bus = open_bus()
    consumer, done = bus.subscribe("load", "a"), bus.subscribe("done", "a")
    send(bus, b"1")
    held = consumer.receive(1, 0)
    with pytest.raises(PayloadError, match="^topic required"):
        consumer.settle(held, [Message("done", b"x"), Message("", b"y")])
    assert take(done) == []
    consumer.settle(held, [Message("done", b"x")])
    assert take(done) == [b"x"]
    bus.close()
    assert take(open_bus().subscribe("load", "a")) == []


def test_depth_and_topics_tell_what_waits(open_bus):
    """Without making anything; what is held does not count, what is delayed does."""
    bus = open_bus()
    assert bus.depth("load", "a") == 0
    assert bus.topics() == []
    send(bus, b"1", b"2")
    assert bus.depth("load", "a") == 2
    consumer = bus.subscribe("load", "a")
    consumer.receive(1, 0)
    send(bus, b"3", delay=60)
    send(bus, b"4", topic="done")
    assert bus.depth("load", "a") == 2
    assert bus.depth("load", "b") == 0
    assert bus.topics() == ["done", "load"]


def test_headers_arrive_and_priority_is_refused(open_bus):
    """As declared."""
    bus = open_bus()
    consumer = bus.subscribe("load", "a")
    send(bus, b"1", headers={"k": "v"})
    assert consumer.receive(1, 0)[0].headers == {"k": "v"}
    with pytest.raises(UnsupportedCapabilityError):
        send(bus, b"1", priority=1)


def test_receive_waits_its_timeout_and_no_longer(open_bus):
    """And wakes for a message or for `wake`."""
    bus = open_bus()
    consumer = bus.subscribe("load", "a")
    begin = time.monotonic()
    assert take(consumer, timeout=0.05) == []
    assert 0.05 <= time.monotonic() - begin < 5
    threading.Timer(0.02, send, [open_bus(), b"1"]).start()
    assert take(consumer, timeout=10) == [b"1"]
    threading.Timer(0.02, consumer.wake).start()
    assert take(consumer, timeout=10) == []
    consumer.wake()
    assert take(consumer, timeout=10) == []


def test_a_signal_handler_may_wake_the_thread_that_waits(open_bus):
    """However the two happen to meet."""
    consumer = open_bus().subscribe("load", "a")
    old = signal.signal(signal.SIGALRM, lambda *_: consumer.wake())
    try:
        for _ in range(20):
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            assert take(consumer, timeout=10) == []
    finally:
        signal.signal(signal.SIGALRM, old)


def test_many_threads_share_a_channel_without_loss_or_doubles(open_bus):
    """Each with a bus of its own."""
    found, all_sent = [], threading.Event()

    def work():
        consumer = open_bus().subscribe("load", "a")
        goes_on = True
        while goes_on:
            more_may_come = not all_sent.is_set()
            deliveries = consumer.receive(3, 0.3)
            found.extend(int(d.body) for d in deliveries)
            consumer.ack(deliveries)
            goes_on = deliveries or more_may_come

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for part in range(10):
        send(open_bus(), *(b"%d" % (part * 100 + n) for n in range(100)))
    all_sent.set()
    for worker in workers:
        worker.join()
    assert sorted(found) == list(range(1000))
