"""Rules of `task_core.api.bus`."""

import pytest
from task_core.api.refusals import check_messages, refuse

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery, Message
from task_core.errors import (
    BusClosedError,
    PayloadError,
    SendError,
    UnsupportedCapabilityError,
)


class ListBus(Bus):
    """Writes down what it is asked to do, in order."""

    def __init__(self, capabilities, broken=False):
        super().__init__("list", capabilities)
        self.calls = []
        self.broken = broken
        self.producers = 0

    def subscribe(self, topic, channel):
        return ListConsumer(self, topic, channel)

    def producer(self):
        self.producers += 1
        return ListProducer(self)

    def close(self):
        self.calls.append(("close",))


class ListConsumer(Consumer):
    def receive(self, limit, timeout):
        return []

    def wake(self):
        pass

    def close(self):
        pass


class AckingConsumer(ListConsumer):
    def ack(self, deliveries):
        self.bus.calls.append(("ack", [delivery.token for delivery in deliveries]))


class ListProducer(Producer):
    def send(self, messages):
        check_messages(self.bus, messages)
        if self.bus.broken:
            raise SendError("no answer", [0])
        self.bus.calls.append(("send", [message.body for message in messages]))

    def close(self):
        pass


MESSAGES = [Message("done", b"1"), Message("load", b"2")]
DELIVERIES = [Delivery(b"a", token=1), Delivery(b"b", token=2)]


def settle(bus, deliveries, messages):
    bus.settle(AckingConsumer(bus, "t", "c"), deliveries, messages)
    return bus.calls


def test_settle_sends_before_it_acknowledges():
    """A worker killed in between has its task again: duplicates, never a loss."""
    calls = settle(ListBus(Capabilities(ack=True)), DELIVERIES, MESSAGES)
    assert calls == [("send", [b"1", b"2"]), ("ack", [1, 2])]


def test_settle_acknowledges_nothing_when_sending_fails():
    """The tasks come again."""
    bus = ListBus(Capabilities(ack=True), broken=True)
    with pytest.raises(SendError):
        settle(bus, DELIVERIES, MESSAGES)
    assert bus.calls == []


def test_settle_without_acknowledgement_only_sends():
    """A pipe cannot take anything back."""
    assert settle(ListBus(Capabilities()), DELIVERIES, MESSAGES) == [
        ("send", [b"1", b"2"])
    ]


@pytest.mark.parametrize(
    ("deliveries", "messages", "calls"),
    [
        ([], MESSAGES, ["send"]),
        (DELIVERIES, [], ["ack"]),
        ([], [], []),
    ],
)
def test_settle_makes_no_empty_calls(deliveries, messages, calls):
    """Neither a send nor an ack of nothing."""
    made = settle(ListBus(Capabilities(ack=True)), deliveries, messages)
    assert [name for name, *_ in made] == calls


@pytest.mark.parametrize("which", ["bus", "consumer"])
def test_settle_sends_nothing_when_it_is_closed(which):
    """What a closed consumer had was given back, and others have it."""
    bus = ListBus(Capabilities(ack=True))
    consumer = bus.subscribe("a", "b")
    {"bus": bus, "consumer": consumer}[which].closed = True
    with pytest.raises(BusClosedError):
        bus.settle(consumer, [Delivery(b"1")], [Message("done", b"x")])
    assert bus.calls == []


def test_settle_keeps_one_producer():
    """A new one for each task would be slow."""
    bus = ListBus(Capabilities(ack=True))
    settle(bus, DELIVERIES, MESSAGES)
    settle(bus, DELIVERIES, MESSAGES)
    assert bus.producers == 1


@pytest.mark.parametrize(
    ("call", "capability"),
    [
        (lambda bus, consumer: bus.topics(), "topics"),
        (lambda bus, consumer: bus.depth("t", "c"), "depth"),
        (lambda bus, consumer: consumer.ack(DELIVERIES), "ack"),
        (lambda bus, consumer: consumer.nack(DELIVERIES), "nack"),
        (lambda bus, consumer: consumer.extend(DELIVERIES), "lease"),
    ],
)
def test_a_call_that_a_bus_does_not_have_is_refused(call, capability):
    """The error names the capability that is missing."""
    bus = ListBus(Capabilities())
    text = f"bus 'list' cannot do this: it does not offer '{capability}'"
    with pytest.raises(UnsupportedCapabilityError, match=text):
        call(bus, bus.subscribe("t", "c"))


def test_what_a_simple_bus_need_not_have():
    """It is never exhausted, has nothing to drain, takes any topic, and is alive."""
    bus = ListBus(Capabilities())
    consumer = bus.subscribe("t", "c")
    assert consumer.exhausted is False
    assert list(consumer.drain()) == []
    assert bus.producer().prepare(["t"]) is None
    assert bus.ping() is None


@pytest.mark.parametrize("kind", [Bus, Consumer, Producer])
def test_a_contract_cannot_be_used_by_itself(kind):
    """Forgetting a method is told when the object is made."""
    with pytest.raises(TypeError, match="abstract method"):
        kind("name", Capabilities())


def test_refusing_what_is_no_capability_is_a_bug():
    """A typing error must not look like an answer."""
    with pytest.raises(AttributeError):
        refuse(ListBus(Capabilities()), "acks")


@pytest.mark.parametrize(
    ("name", "value"), [("delay", 1.0), ("priority", 1), ("headers", {"a": "b"})]
)
def test_a_message_may_ask_only_for_what_the_bus_declares(name, value):
    """Refused before any message is sent."""
    messages = [Message("t", b"1"), Message("t", b"2", **{name: value})]
    bus = ListBus(Capabilities())
    with pytest.raises(UnsupportedCapabilityError, match=f"'{name}'"):
        bus.producer().send(messages)
    assert bus.calls == []
    check_messages(ListBus(Capabilities(**{name: True})), messages)


def test_a_message_without_extras_asks_for_nothing():
    """Empty headers and no delay are no wish."""
    extras = {"delay": 0.0, "priority": 0, "headers": {}}
    check_messages(ListBus(Capabilities()), [Message("t", b"", key="k", **extras)])


def test_a_message_needs_a_topic():
    """On every bus, or it could never be found again."""
    with pytest.raises(PayloadError, match=r"^topic required: a message names none$"):
        check_messages(ListBus(Capabilities()), [Message("t", b""), Message("", b"")])


def test_a_body_may_be_as_long_as_the_bus_carries():
    """One byte more is refused, and the error tells both numbers."""
    bus = ListBus(Capabilities(max_bytes=3))
    check_messages(bus, [Message("t", b"123")])
    expected = (
        "^bus 'list' carries at most 3 bytes in one message,"
        " this one for topic 't' has 4$"
    )
    with pytest.raises(PayloadError, match=expected):
        check_messages(bus, [Message("t", b""), Message("t", b"1234")])
