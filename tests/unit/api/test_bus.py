"""Rules of `task_core.api.bus`: what the base sees to, so that no author forgets it."""

import pytest

from task_core.api.bus import Bus, ChannelState, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Message
from task_core.errors import (
    BusClosedError,
    BusError,
    SendError,
    UnsupportedCapabilityError,
)

EVERYTHING = Capabilities(depth=True, topics=True, peek=True, channels=True)


class ListConsumer(Consumer):
    """Has nothing to deliver."""

    def _receive(self, limit, timeout):
        return []

    def _close(self):
        self.bus.note("consumer")


class ListProducer(Producer):
    """Writes down what it sends."""

    def _send(self, messages):
        self.bus.calls.append(("send", [message.body for message in messages]))

    def _prepare(self, topics):
        self.bus.calls.append(("prepare", list(topics)))

    def _close(self):
        self.bus.note("producer")


class ListBus(Bus):
    """Writes down what it is asked to do, in order; fails where it is told to."""

    def __init__(self, capabilities=EVERYTHING, failing=()):
        super().__init__("list", capabilities)
        self.calls = []
        self.failing = failing

    def note(self, call, *more):
        self.calls.append((call, *more))
        if call in self.failing:
            raise BusError(f"{call} failed")

    def _subscribe(self, topic, channel, **hints):
        self.note("subscribe", topic, channel, hints)
        return ListConsumer(self, topic, channel)

    def _producer(self):
        self.note("make")
        return ListProducer(self)

    def _topics(self):
        return ["a", "b"]

    def _depth(self, topic, channel):
        return 3

    def _channels(self, topic):
        return [ChannelState("c", 3, 1)]

    def _peek(self, topic, limit):
        return [b"1", b"2"][:limit]

    def _forget(self, topic, channel):
        self.note("forget", topic, channel)

    def _ping(self):
        self.note("ping")

    def _close(self):
        self.note("close")


QUESTIONS = {
    "topics": lambda bus: bus.topics(),
    "depth": lambda bus: bus.depth("t", "c"),
    "channels of": lambda bus: bus.channels("t"),
    "peek": lambda bus: bus.peek("t", 1),
    "forget": lambda bus: bus.forget("t", "c"),
}
CAPABILITY = {"channels of": "depth", "forget": "channels"}
CALLS = {
    **QUESTIONS,
    "ping": lambda bus: bus.ping(),
    "subscribe": lambda bus: bus.subscribe("t", "c"),
    "producer": lambda bus: bus.producer(),
    "prepare": lambda bus: bus.prepare(["t"]),
    "shared": lambda bus: bus.shared_producer(),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_not_declared_is_refused(name):
    """The error names the capability that is missing, and no hook is called."""
    bus = ListBus(Capabilities())
    capability = CAPABILITY.get(name, name)
    with pytest.raises(UnsupportedCapabilityError, match=f"not offer '{capability}'"):
        QUESTIONS[name](bus)
    assert bus.calls == []


@pytest.mark.parametrize("name", CALLS)
def test_a_closed_bus_refuses(name):
    """Whatever it is asked; no hook is called."""
    bus = ListBus()
    bus.close()
    bus.calls.clear()
    with pytest.raises(BusClosedError, match="bus 'list' is closed"):
        CALLS[name](bus)
    assert bus.calls == []


@pytest.mark.parametrize("name", CALLS)
def test_an_open_bus_answers(name):
    """With what its hooks say."""
    CALLS[name](ListBus())


def test_peeking_at_nothing_asks_nobody():
    """A limit of 0 or less."""
    bus = ListBus()
    assert list(bus.peek("t", 2)) == [b"1", b"2"]
    assert list(bus.peek("t", 0)) == list(bus.peek("t", -1)) == []


def test_what_a_simple_bus_need_not_have():
    """It cannot list its channels, has nothing to free, takes any topic, is alive."""
    bare = type("Bare", (Bus,), {"_subscribe": None, "_producer": ListBus._producer})
    bus = bare("bare", EVERYTHING)
    bus.note = lambda *call: None
    assert list(bus.channels("t")) == []
    assert bus.ping() is None
    bus.close()


@pytest.mark.parametrize("name", ["topics", "depth", "peek", "forget"])
def test_a_declared_hook_that_is_missing_is_named(name):
    """The author reads what to write."""
    bare = type("Bare", (Bus,), {"_subscribe": None, "_producer": None})
    with pytest.raises(NotImplementedError, match=rf"Bare\._{name}"):
        QUESTIONS[name](bare("bare", EVERYTHING))


@pytest.mark.parametrize("kind", [Bus, Consumer, Producer])
def test_a_contract_cannot_be_used_by_itself(kind):
    """Forgetting a hook is told when the object is made."""
    with pytest.raises(TypeError, match="abstract method"):
        kind("name", Capabilities())


def test_settling_and_preparing_share_one_producer():
    """A connection of its own for each would be one too many."""
    bus = ListBus(Capabilities())
    consumer = bus.subscribe("t", "c")
    bus.prepare(["done"])
    consumer.settle([], [Message("done", b"1")])
    consumer.settle([], [Message("done", b"2")])
    names = [call[0] for call in bus.calls]
    assert names == ["subscribe", "make", "prepare", "send", "send"]


def test_a_shared_producer_that_was_closed_is_made_anew():
    """Somebody closed what was not his."""
    bus = ListBus()
    bus.shared_producer().close()
    assert not bus.shared_producer().closed


def test_closing_closes_each_part_once_and_the_connection_last():
    """Also when it is repeated, or a part was closed before."""
    bus = ListBus()
    bus.subscribe("t", "c").close()
    bus.subscribe("t", "c")
    bus.producer()
    bus.calls.clear()
    bus.close()
    bus.close()
    assert [call for (call,) in bus.calls] == ["consumer", "producer", "close"]


def test_all_is_closed_though_some_of_it_fails():
    """And the first failure is told."""
    bus = ListBus(failing=("consumer", "close"))
    for _ in range(2):
        bus.subscribe("t", "c")
    bus.producer()
    bus.calls.clear()
    with pytest.raises(BusError, match="consumer failed"):
        bus.close()
    assert [call for (call,) in bus.calls] == ["consumer"] * 2 + ["producer", "close"]
    bus.close()


def test_parts_that_are_closed_are_forgotten():
    """A bus lives for years, and its consumers come and go."""
    bus = ListBus()
    for _ in range(50):
        bus.subscribe("t", "c").close()
        bus.producer().close()
    assert len(bus._consumers) == len(bus._producers) == 1


def test_hints_reach_the_hook():
    """How much will be held, and whether the channel is to stay."""
    bus = ListBus()
    bus.subscribe("t", "c", prefetch=7, temporary=True)
    bus.subscribe("t", "c")
    assert bus.calls == [
        ("subscribe", "t", "c", {"prefetch": 7, "temporary": True}),
        ("subscribe", "t", "c", {"prefetch": None, "temporary": False}),
    ]


def forgotten(bus):
    return [call[1:] for call in bus.calls if call[0] == "forget"]


def test_a_temporary_channel_goes_with_its_reader():
    """Once; and others of that name stay."""
    bus = ListBus()
    bus.subscribe("t", "stays").close()
    consumer = bus.subscribe("t", "goes", temporary=True)
    consumer.close()
    consumer.close()
    bus.close()
    assert forgotten(bus) == [("t", "goes")]


def test_a_temporary_channel_goes_when_its_bus_closes():
    """Whoever looks forgets to close his consumer."""
    bus = ListBus()
    bus.subscribe("t", "goes", temporary=True)
    bus.close()
    assert forgotten(bus) == [("t", "goes")]


@pytest.mark.parametrize("place", [("t", ""), ("", "c")])
def test_reading_without_a_name_is_refused(place):
    """A bus deletes the whole topic when it is to delete a channel of no name."""
    bus = ListBus()
    with pytest.raises(BusError, match=r"^bus 'list': (topic|channel) required"):
        bus.subscribe(*place, temporary=True)
    bus.close()
    assert bus.calls == [("close",)]
    ListBus(Capabilities()).subscribe("", "")  # as a pipe, which has neither


def test_a_broker_that_expires_channels_needs_no_help():
    """Nor does one that has none."""

    class Expiring(ListBus):
        expires_channels = True

    for bus in (Expiring(), ListBus(Capabilities())):
        bus.subscribe("t", "goes", temporary=True).close()
        assert forgotten(bus) == []


class Keeping(ListBus):
    """Keeps three messages of each topic for its first channel."""

    looking_takes = True
    names = ()

    def _channels(self, topic):
        return [ChannelState(name, 0) for name in self.names]


def test_a_temporary_channel_takes_nothing_that_is_kept_for_the_first():
    """Whoever looks, or waits for a result, may not swallow what others are to do."""
    bus = Keeping()
    with pytest.raises(BusError, match="'t' keeps 3 for its first channel"):
        bus.subscribe("t", "look", temporary=True)
    assert bus.calls == []
    bus.subscribe("t", "first")
    bus.names = ("first",)
    bus.subscribe("t", "look", temporary=True)


def test_where_nobody_can_tell_what_is_kept_looking_goes_on():
    """Some options leave a bus without an answer."""

    class Mute(Keeping):
        def _channels(self, topic):
            raise UnsupportedCapabilityError("no HTTP")

    Mute().subscribe("t", "look", temporary=True)


def test_a_temporary_channel_that_cannot_be_deleted_hinders_no_closing():
    """The broker is away."""
    bus = ListBus(failing=("forget",))
    bus.subscribe("t", "goes", temporary=True).close()
    assert forgotten(bus) == [("t", "goes")]
    bus.close()


class Refusing(ListProducer):
    def _send(self, messages):
        raise SendError("no answer", [0])


def test_settle_acknowledges_nothing_when_sending_fails():
    """The tasks come again."""
    bus = ListBus(Capabilities(ack=True))
    bus._producer = lambda: Refusing(bus)
    consumer = bus.subscribe("t", "c")
    consumer._ack = pytest.fail
    with pytest.raises(SendError):
        consumer.settle([], [Message("done", b"1")])
