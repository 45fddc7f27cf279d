"""Rules of `task_core.api.consumer`: deadlines, what is held, and who refuses."""

import time
from threading import Timer

import pytest

from task_core.api.bus import Bus
from task_core.api.capabilities import Capabilities
from task_core.api.consumer import Consumer
from task_core.api.message import Delivery, Message
from task_core.api.producer import Producer
from task_core.errors import (
    BusClosedError,
    BusConnectionError,
    LeaseLostError,
    PayloadError,
    UnsupportedCapabilityError,
)

EVERYTHING = Capabilities(ack=True, nack=True, nack_delay=True, lease=True)
SOON = 5


class Reader(Consumer):
    """Delivers what it was given, call for call."""

    def __init__(self, bus, topic, channel):
        super().__init__(bus, topic, channel)
        self.batches = []
        self.asked = []
        self.calls = []
        self.at_end = False

    def _receive(self, limit, timeout):
        self.asked.append((limit, timeout))
        if self.batches:
            return self.batches.pop(0)
        self._waker.wait(min(timeout, 0.02))  # early: the base asks again
        return []

    def _ack(self, deliveries):
        self.calls.append(("ack", [one.body for one in deliveries]))

    def _nack(self, deliveries, delay):
        self.calls.append(("nack", [one.body for one in deliveries], delay))

    def _extend(self, deliveries):
        self.calls.append(("extend", [one.body for one in deliveries]))

    def _exhausted(self):
        return self.at_end

    def _close(self):
        self.calls.append(("close",))


class Knowing(Reader):
    """Its broker knows whose lease is over."""

    knows_lost = True


class Writer(Producer):
    """Writes down what it sends."""

    def _send(self, messages):
        self.bus.sent.extend(messages)


class OneBus(Bus):
    """Makes consumers of a class."""

    def __init__(self, capabilities, lease, reader):
        super().__init__("one", capabilities, lease=lease)
        self.reader = reader
        self.sent = []

    def _subscribe(self, topic, channel, **hints):
        return self.reader(self, topic, channel)

    def _producer(self):
        return Writer(self)


@pytest.fixture
def time_passes(monkeypatch):
    """Let some seconds of leases pass."""
    now = [0.0]
    monkeypatch.setattr("task_core.api.held.monotonic", lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    return passes


def make(*batches, capabilities=EVERYTHING, lease=30.0, reader=Reader):
    """Return a consumer that delivers these batches of bodies."""
    consumer = OneBus(capabilities, lease, reader).subscribe("t", "c")
    consumer.batches = [[Delivery(body) for body in batch] for batch in batches]
    return consumer


def test_what_comes_is_returned_at_once():
    """As the hook gave it."""
    consumer = make([b"1", b"2"])
    assert [one.body for one in consumer.receive(5, 10)] == [b"1", b"2"]
    assert consumer.asked == [(5, 10)]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_asks_nobody(limit):
    """The launcher has no room."""
    consumer = make([b"1"])
    assert list(consumer.receive(limit, 10)) == []
    assert consumer.asked == []


@pytest.mark.parametrize("timeout", [0.0, 0.1])
def test_nothing_comes_neither_early_nor_late(timeout):
    """However early the hook comes back: it is asked again, with what is left."""
    consumer = make()
    start = time.monotonic()
    assert list(consumer.receive(1, timeout)) == []
    assert timeout <= time.monotonic() - start < timeout + SOON
    waits = [left for _, left in consumer.asked]
    assert waits == sorted(waits, reverse=True)
    assert min(waits) >= 0


def test_a_wake_ends_the_wait():
    """From any thread."""
    consumer = make()
    Timer(0.05, consumer.wake).start()
    start = time.monotonic()
    assert list(consumer.receive(1, 10)) == []
    assert time.monotonic() - start < SOON


def test_a_wake_before_the_wait_ends_it_once():
    """And what is there is delivered all the same."""
    consumer = make([b"1"])
    consumer.wake()
    assert len(consumer.receive(1, 10)) == 1
    assert consumer.asked == [(1, 0.0)]
    start = time.monotonic()
    assert list(consumer.receive(1, 0.1)) == []
    assert time.monotonic() - start >= 0.1


def test_a_wake_during_a_delivery_is_for_the_next_call():
    """Otherwise a stop would be heard one timeout later."""
    consumer = make()

    def deliver(limit, timeout):
        consumer.wake()
        return [Delivery(b"1")]

    consumer._receive, hook = deliver, consumer._receive
    assert len(consumer.receive(1, 10)) == 1
    consumer._receive = hook
    start = time.monotonic()
    assert list(consumer.receive(1, 10)) == []
    assert time.monotonic() - start < SOON


def test_the_end_of_a_stream_ends_the_wait():
    """Nobody waits for what cannot come."""
    consumer = make()
    consumer.at_end = True
    start = time.monotonic()
    assert list(consumer.receive(1, 10)) == []
    assert time.monotonic() - start < SOON
    assert consumer.exhausted


def test_a_wake_after_close_does_nothing():
    """A task may finish while the launcher closes."""
    consumer = make()
    consumer.receive(1, 0)
    consumer.close()
    consumer._wake = pytest.fail
    consumer.wake()


USES = {
    "receive": lambda consumer: consumer.receive(1, 0),
    "settle": lambda consumer: consumer.settle([], []),
    "ack": lambda consumer: consumer.ack([]),
    "nack": lambda consumer: consumer.nack([]),
    "extend": lambda consumer: consumer.extend([]),
}


@pytest.mark.parametrize("whose", ["consumer", "bus"])
@pytest.mark.parametrize("use", USES)
def test_a_closed_consumer_refuses(use, whose):
    """Its own close, or that of its bus."""
    consumer = make()
    {"consumer": consumer, "bus": consumer.bus}[whose].close()
    with pytest.raises(BusClosedError, match="bus 'one': this consumer is closed"):
        USES[use](consumer)


@pytest.mark.parametrize(
    ("call", "capability"),
    [
        (lambda consumer, held: consumer.ack(held), "ack"),
        (lambda consumer, held: consumer.nack(held), "nack"),
        (lambda consumer, held: consumer.nack(held, 1.0), "nack"),
        (lambda consumer, held: consumer.extend(held), "lease"),
    ],
)
@pytest.mark.parametrize("count", [0, 1])
def test_what_is_not_declared_is_refused(call, capability, count):
    """Also for no delivery at all: what it lacks does not depend on luck."""
    consumer = make([b"1"], capabilities=Capabilities())
    held = consumer.receive(1, 0)[:count]
    with pytest.raises(UnsupportedCapabilityError, match=f"'{capability}'"):
        call(consumer, held)


def test_a_delay_is_a_capability_of_its_own():
    """Giving back without one is allowed."""
    consumer = make([b"1"], capabilities=Capabilities(ack=True, nack=True))
    held = consumer.receive(1, 0)
    with pytest.raises(UnsupportedCapabilityError, match="'nack_delay'"):
        consumer.nack(held, 1.0)
    consumer.nack(held)
    assert consumer.calls == [("nack", [b"1"], 0.0)]


def test_no_hook_is_called_for_nothing():
    """Neither a round trip nor a special case for authors."""
    consumer = make()
    consumer.ack([])
    consumer.nack([])
    consumer.extend([])
    consumer.settle([], [])
    assert consumer.calls == []
    assert consumer.bus.sent == []


def test_settle_sends_before_it_acknowledges():
    """A worker killed in between has its task again: duplicates, never a loss."""
    consumer = make([b"1"])
    consumer.bus.sent = consumer.calls
    consumer.settle(consumer.receive(1, 0), [Message("done", b"a")])
    assert [type(call) for call in consumer.calls] == [Message, tuple]


def test_settle_without_acknowledgement_only_sends():
    """A pipe cannot take anything back."""
    consumer = make([b"1"], capabilities=Capabilities())
    consumer.settle(consumer.receive(1, 0), [Message("done", b"a")])
    assert [one.body for one in consumer.bus.sent] == [b"a"]
    assert consumer.calls == []


def test_an_atomic_settle_checks_its_messages_first():
    """Its author sends them himself, past the producer that would check."""
    consumer = make([b"1"], capabilities=Capabilities(ack=True, atomic_settle=True))
    consumer._settle = pytest.fail
    held = consumer.receive(1, 0)
    with pytest.raises(PayloadError) as caught:
        consumer.settle(held, [Message("done", b"1"), Message("", b"2")])
    assert caught.value.refused == (1,)


def refusing(consumer, deliveries, lost):
    """Whether every call refuses these, names the lost ones, and does nothing."""
    calls = list(consumer.calls)
    for call in (
        lambda: consumer.ack(deliveries),
        lambda: consumer.extend(deliveries),
        lambda: consumer.settle(deliveries, [Message("done", b"late")]),
    ):
        with pytest.raises(LeaseLostError) as caught:
            call()
        assert [id(one) for one in caught.value.deliveries] == [id(d) for d in lost]
    return calls == consumer.calls and not consumer.bus.sent


def test_what_was_settled_or_given_back_is_no_longer_held():
    """Settling it once more would take it from others."""
    consumer = make([b"1", b"2", b"3"])
    one, two, three = consumer.receive(3, 0)
    consumer.ack([one])
    consumer.nack([two])
    consumer.settle([three], [])
    for gone in (one, two, three):
        assert refusing(consumer, [gone], [gone])


def test_a_lease_that_is_over_is_refused_and_the_rest_is_not(time_passes):
    """Brokers accept what comes late, and others have it by then."""
    consumer = make([b"1"], [b"2"], lease=20)
    (late,) = consumer.receive(1, 0)
    time_passes(15)
    (fresh,) = consumer.receive(1, 0)
    time_passes(10)
    assert refusing(consumer, [late, fresh], [late])
    consumer.ack([fresh])
    assert consumer.calls == [("ack", [b"2"])]


def test_extending_begins_the_lease_anew(time_passes):
    """For as long as it is repeated."""
    consumer = make([b"1"], lease=20)
    held = consumer.receive(1, 0)
    for _ in range(3):
        time_passes(19)
        consumer.extend(held)
    consumer.ack(held)


def test_an_extended_lease_begins_when_the_broker_is_asked(time_passes):
    """Not with its answer, which may take long: others have it earlier."""
    consumer = make([b"1"], lease=20)
    held = consumer.receive(1, 0)
    consumer._extend = lambda deliveries: time_passes(5)
    consumer.extend(held)
    time_passes(15)
    assert refusing(consumer, held, held)


def test_without_leases_a_delivery_is_held_for_ever(time_passes):
    """The connection is the lease."""
    capabilities = Capabilities(ack=True, nack=True)
    consumer = make([b"1"], capabilities=capabilities, lease=0.01)
    held = consumer.receive(1, 0)
    time_passes(1e9)
    consumer.ack(held)


def test_giving_back_leaves_out_what_others_have(time_passes):
    """It would take it from them."""
    consumer = make([b"1"], [b"2"], lease=10)
    late = consumer.receive(1, 0)
    time_passes(15)
    consumer.nack([*late, *consumer.receive(1, 0)])
    assert consumer.calls == [("nack", [b"2"], 0.0)]
    consumer.nack(late)
    assert len(consumer.calls) == 1


def test_a_bus_that_knows_what_is_lost_is_asked():
    """The base keeps no list then."""
    consumer = make([b"1"], reader=Knowing, lease=0.0)
    held = consumer.receive(1, 0)
    consumer.ack(held)
    consumer.ack(held)
    assert consumer.calls == [("ack", [b"1"])] * 2


def test_closing_gives_back_what_is_held_and_nothing_else(time_passes):
    """Not what is settled, not what others have; then the hook, once."""
    consumer = make([b"late"], [b"done", b"held"], lease=10)
    consumer.receive(1, 0)
    time_passes(15)
    done, _ = consumer.receive(2, 0)
    consumer.ack([done])
    consumer.close()
    consumer.close()
    assert consumer.calls[1:] == [("nack", [b"held"], 0.0), ("close",)]


def test_what_is_lost_is_not_kept_for_ever(time_passes):
    """A launcher runs for months."""
    consumer = make([b"1"], lease=10)
    late = consumer.receive(1, 0)
    time_passes(20)
    with pytest.raises(LeaseLostError):
        consumer.ack(late)
    assert consumer._held._ends == {}


def test_closing_works_while_the_broker_is_away():
    """Leases end by themselves."""
    consumer = make([b"1"])
    consumer.receive(1, 0)

    def away(deliveries, delay):
        raise BusConnectionError("away")

    consumer._nack = away
    consumer.close()
    assert consumer.calls == [("close",)]


def test_a_simple_consumer_has_nothing_to_drain_and_no_end():
    """Only pipes read ahead."""
    plain = type("Plain", (Consumer,), {"_receive": Reader._receive})
    consumer = make(reader=type("Plain", (plain,), {}))
    assert list(consumer.drain()) == []
    assert consumer.exhausted is False
    consumer.wake()
    consumer.close()


@pytest.mark.parametrize("name", ["ack", "nack", "extend"])
def test_a_declared_hook_that_is_missing_is_named(name):
    """The author reads what to write."""
    deliver = type("Plain", (Consumer,), {"_receive": lambda *_: [Delivery(b"1")]})
    consumer = make(reader=deliver)
    with pytest.raises(NotImplementedError, match=rf"Plain\._{name}"):
        getattr(consumer, name)(consumer.receive(1, 0))
