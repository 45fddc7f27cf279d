"""Rules of `task_core.api.producer`: what is checked before the hook is called."""

from math import inf, nan
from types import SimpleNamespace

import pytest

from task_core.api.bus import Bus
from task_core.api.capabilities import Capabilities
from task_core.api.message import Message, check_messages
from task_core.api.producer import Producer
from task_core.errors import BusClosedError, PayloadError


class Writer(Producer):
    """Writes down what it sends."""

    def _send(self, messages):
        self.bus.sent.append([message.body for message in messages])


class WritingBus(Bus):
    """Makes such producers."""

    def __init__(self):
        super().__init__("writing", Capabilities(max_bytes=3))
        self.sent = []

    def _subscribe(self, topic, channel, **hints):
        raise AssertionError

    def _producer(self):
        return Writer(self)


@pytest.fixture
def bus():
    return WritingBus()


def test_the_hook_gets_what_is_sent(bus):
    """All at once."""
    bus.producer().send([Message("t", b"1"), Message("t", b"2")])
    assert bus.sent == [[b"1", b"2"]]


def test_sending_nothing_calls_no_hook(bus):
    """Authors need not think of it."""
    bus.producer().send([])
    assert bus.sent == []


def test_what_is_refused_sends_nothing(bus):
    """The hook is not called at all, and the error tells which are wrong."""
    messages = [Message("t", b"1"), Message("t", b"1234"), Message("", b"2")]
    with pytest.raises(PayloadError) as caught:
        bus.producer().send(messages)
    assert caught.value.refused == (1, 2)
    assert bus.sent == []


def test_a_delay_of_more_than_a_century_is_refused():
    """Calendars of brokers end: what a worker asks for must stop no launcher."""
    owner = SimpleNamespace(name="slow", capabilities=Capabilities(delay=True))
    messages = [Message("t", b"1", delay=delay) for delay in (3.1e9, 1e15, inf, nan)]
    with pytest.raises(PayloadError, match="longer than 100 years") as caught:
        check_messages(owner, messages)
    assert caught.value.refused == (1, 2, 3)


@pytest.mark.parametrize("whose", ["producer", "bus"])
@pytest.mark.parametrize(
    "use",
    [
        lambda producer: producer.send([Message("t", b"1")]),
        lambda producer: producer.send([]),
        lambda producer: producer.prepare(["t"]),
    ],
)
def test_a_closed_producer_refuses(bus, use, whose):
    """Its own close, or that of its bus; otherwise a task would be lost in silence."""
    producer = bus.producer()
    {"producer": producer, "bus": bus}[whose].close()
    with pytest.raises(BusClosedError, match="bus 'writing': this producer is closed"):
        use(producer)
    assert bus.sent == []


def test_a_broker_that_makes_topics_needs_no_preparing(bus):
    """The hook need not be there."""
    bus.producer().prepare(["t"])
    assert bus.sent == []
