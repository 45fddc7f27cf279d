"""Rules of `task_core.launcher.wrappers`: all is forwarded, but what is different."""

import inspect
from unittest.mock import create_autospec

import pytest

from task_core.api.bus import Bus, BusContext, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Message
from task_core.builtin import buses
from task_core.builtin.bus_options import NopOptions
from task_core.errors import (
    BusConnectionError,
    BusError,
    LeaseLostError,
    PayloadError,
    SendError,
    UnsupportedCapabilityError,
)
from task_core.launcher.prefix import PrefixBus
from task_core.launcher.wrappers import (
    BusPair,
    EarlyBus,
    WrappedConsumer,
    WrappedProducer,
    Wrapper,
)
from task_core.wire import decode_task


def hooks_of(base):
    """Return the hooks of a contract: those of its public names, with `_` before."""
    return [f"_{name}" for name in base._sealed if hasattr(base, f"_{name}")]


WRAPPERS = {Bus: Wrapper, Consumer: WrappedConsumer, Producer: WrappedProducer}
HOOKS = [(base, hook) for base in WRAPPERS for hook in hooks_of(base)]
NAMES = [f"{base.__name__}.{hook}" for base, hook in HOOKS]


def make_wrapper(base):
    """Return a wrapper, and what it is around: that writes down its calls."""
    bus = create_autospec(Bus, instance=True, capabilities=Capabilities(), lease=1.0)
    bus.name = "inner"
    if base is Bus:
        return Wrapper(bus, bus.capabilities), bus
    inner = create_autospec(base, instance=True, topic="t", channel="c")
    return WRAPPERS[base](bus, inner), inner


@pytest.mark.parametrize(("base", "hook"), HOOKS, ids=NAMES)
def test_every_hook_is_forwarded_with_its_arguments(base, hook):
    """Also one that the contract gets next year."""
    wrapper, inner = make_wrapper(base)
    assert hook in vars(WRAPPERS[base]), f"{WRAPPERS[base].__name__} lacks {hook}"
    method, name = getattr(wrapper, hook), hook.removeprefix("_")
    parameters = inspect.signature(method).parameters.values()
    given = [object() for one in parameters if one.kind is not one.KEYWORD_ONLY]
    named = {one.name: object() for one in parameters if one.kind is one.KEYWORD_ONLY}
    answer = method(*given, **named)
    if name == "exhausted":  # the one property
        assert answer is inner.exhausted
        return
    getattr(inner, name).assert_called_once_with(*given, **named)
    if name not in {"subscribe", "producer"}:  # those are wrapped themselves
        assert answer in (None, getattr(inner, name).return_value)


@pytest.fixture
def target():
    return buses.nop.open(NopOptions(), BusContext())


def test_tasks_come_from_one_and_go_to_the_other(rig, memory, target, make_tasks):
    """And are acknowledged where they came from."""
    memory.put(*make_tasks(*range(10)))
    rig(lambda info: info, BusPair(memory.open(), target), max_tasks=10).start().join()
    done = [decode_task(body) for body in target.sent["done"]]
    assert [task.msg for task in done] == [str(n) for n in range(10)]
    assert memory.depth("load", "load") == 0


def test_each_capability_is_that_of_the_bus_which_must_keep_it(memory, target):
    """Receiving: the source; sending: the target."""
    pair = BusPair(memory, target)
    assert pair.capabilities.ack
    assert pair.capabilities.depth
    assert pair.capabilities.max_bytes == target.capabilities.max_bytes
    assert not pair.capabilities.headers
    assert not BusPair(target, memory).capabilities.ack


def test_a_pair_is_never_atomic_and_brings_no_task_back(memory, script):
    """A task sent to the target would not be read again."""
    everything = Capabilities(ack=True, delay=True, atomic_settle=True)
    pair = BusPair(memory, script(capabilities=everything))
    assert not pair.capabilities.atomic_settle
    assert not pair.capabilities.delay


def test_what_is_sent_goes_before_what_is_acknowledged(memory, make_tasks):
    """When sending fails, the source keeps the task."""
    deaf = buses.nop.open(NopOptions(send_err=True), BusContext())
    memory.put(*make_tasks("a"))
    pair = BusPair(memory.open(), deaf)
    consumer = pair.subscribe("load", "load")
    held = consumer.receive(1, 0)
    with pytest.raises(BusError):
        consumer.settle(held, [Message("done", b"x")])
    pair.close()
    assert memory.depth("load", "load") == 1


AWAY = BusConnectionError("the source is away")


@pytest.mark.parametrize("error", [AWAY, LeaseLostError("others have it", [])])
def test_what_was_sent_before_the_source_failed_is_not_sent_again(
    memory, target, make_tasks, error
):
    """The settle is repeated until the source is back, however long that takes."""
    memory.put(*make_tasks("a"))
    pair = BusPair(memory.open(), target)
    consumer = pair.subscribe("load", "load")
    source = consumer._consumer
    settle, failures = source.settle, [error] * 3

    def failing(deliveries, messages):
        if failures:
            raise failures.pop()
        settle(deliveries, messages)

    source.settle = failing
    held, messages = consumer.receive(1, 0), [Message("done", b"x")]
    for _ in range(3):
        with pytest.raises(type(error)):
            consumer.settle(held, messages)
        messages.append(Message("done", b"more"))
    consumer.settle(held, messages)
    consumer.settle([], messages[:1])  # another settle, another message
    assert target.sent["done"] == [b"x", b"more", b"more", b"more", b"x"]
    assert memory.depth("load", "load") == 0


class Away:
    """Raises an error in place of a call."""

    def __init__(self, error):
        self.error = error

    def __call__(self, *given):
        raise self.error


def test_what_a_repeated_settle_cannot_send_is_named_by_its_place_in_all(
    memory, target, make_tasks
):
    """Whoever settles knows nothing of what is left out."""
    memory.put(*make_tasks("a", "b"))
    pair = BusPair(memory.open(), target)
    consumer = pair.subscribe("load", "load")
    consumer._consumer.settle = Away(AWAY)
    first, second = consumer.receive(2, 0)
    messages = [Message("done", body) for body in (b"sent", b"good", b"bad")]
    with pytest.raises(BusConnectionError):
        consumer.settle([first], messages[:1])
    pair.shared_producer().send = Away(PayloadError("too long", [1]))
    with pytest.raises(PayloadError) as refused:
        consumer.settle([first, second], messages)
    assert refused.value.refused == (2,)
    pair.shared_producer().send = Away(SendError("slow", [0, 1], transient=True))
    with pytest.raises(SendError) as unsent:
        consumer.settle([first, second], messages)
    assert (unsent.value.unsent, unsent.value.transient) == ((1, 2), True)


def test_what_others_have_by_now_is_not_sent(script, target):
    """As on a bus alone: the lease is over, and so is all that it led to."""

    class Ledger(type(script().subscribe("a", "a"))):
        knows_lost = False

    class Leasing(type(script())):
        def _subscribe(self, topic, channel, *, prefetch, temporary):
            return Ledger(self, topic, channel)

    leases = Capabilities(ack=True, nack=True, lease=True)
    source = Leasing([b"x", b"y"], capabilities=leases)
    consumer = BusPair(PrefixBus(source, "p."), target).subscribe("load", "load")
    late, held = consumer.receive(2, 0)
    ledger = consumer.innermost._held
    ledger._ends[id(late)] = late, 0.0
    with pytest.raises(LeaseLostError) as caught:
        consumer.settle([late, held], [Message("done", b"late")])
    assert caught.value.deliveries == (late,)
    assert not target.sent
    consumer.settle([held], [Message("done", b"good")])
    assert target.sent["done"] == [b"good"]
    assert source.settled == [1]


def test_questions_about_topics_go_to_the_source(memory, target, make_tasks):
    """What is read."""
    memory.put(*make_tasks("a"))
    pair = BusPair(memory, target)
    assert pair.topics() == ["load"]
    assert pair.depth("load", "load") == 1
    pair.ping()


def test_both_are_closed_even_when_one_fails(script):
    """The source first, so that nothing more arrives."""
    failing = buses.nop.open(NopOptions(stop_err=True), BusContext())
    other = script()
    with pytest.raises(BusError):
        BusPair(failing, other).close()
    assert other.closed


def test_a_pair_tells_both_names(memory, target):
    """For the counts."""
    assert BusPair(memory, target).names == ("memory", "nop")


def test_receiving_acknowledges(memory, make_tasks):
    """Also when the launcher is gone right afterwards."""
    memory.put(*make_tasks(*range(5)))
    bus = EarlyBus(memory.open())
    consumer = bus.subscribe("load", "load")
    assert len(consumer.receive(3, 0)) == 3
    bus.close()
    assert memory.depth("load", "load") == 2


def test_nothing_is_promised_that_needs_an_acknowledgement(memory):
    """No giving back, no lease, no atomic settle; the rest is the bus's own."""
    bus = EarlyBus(memory.open())
    capabilities = bus.capabilities
    assert not any([capabilities.ack, capabilities.nack, capabilities.lease])
    assert not any([capabilities.attempts, capabilities.atomic_settle])
    assert capabilities.depth
    with pytest.raises(UnsupportedCapabilityError):
        bus.subscribe("load", "load").nack([])


def test_a_launcher_runs_on_it(rig, memory, make_tasks):
    """Done tasks arrive as ever."""
    memory.watch("done").put(*make_tasks(*range(5)))
    rig(lambda info: info, EarlyBus(memory.open()), max_tasks=5).start().join()
    assert len(memory.tasks()) == 5
