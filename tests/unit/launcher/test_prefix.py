"""Rules of `task_core.launcher.prefix`: who uses the bus sees no prefix."""

import pytest

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.message import Message
from task_core.errors import BusError, PayloadError
from task_core.launcher.prefix import PrefixBus, PrefixConsumer, PrefixProducer


@pytest.fixture
def bus(memory):
    bus = PrefixBus(memory.open(), "staging.")
    yield bus
    bus.close()


def test_messages_go_to_topics_with_the_prefix_and_come_from_them(bus, memory):
    """With all that they carry."""
    memory.watch("staging.load", "staging.done")
    message = Message("load", b"a", key="k", delay=0.0, headers=None)
    consumer = bus.subscribe("load", "c")
    bus.prepare(["load"])
    bus.producer().send([message])
    assert message.topic == "load"
    (delivery,) = consumer.receive(9, 0)
    consumer.settle([delivery], [Message("done", b"b")])
    assert (consumer.topic, consumer.channel) == ("load", "c")
    assert memory.take("staging.load") == [b"a"]
    assert memory.take("staging.done") == [b"b"]


def test_only_its_topics_are_there_without_the_prefix(bus, memory):
    """Those of others neither show nor count."""
    memory.put(b"x", topic="prod.load")
    memory.put(b"x", b"y", topic="staging.load")
    assert list(bus.topics()) == ["load"]
    assert bus.depth("load", "c") == 2
    bus.subscribe("load", "c")
    assert [one.name for one in bus.channels("load")] == ["c"]
    bus.forget("load")
    assert list(memory.topics()) == ["prod.load"]


def test_a_message_without_a_topic_stays_one(bus):
    """A prefix alone is no name."""
    with pytest.raises((PayloadError, BusError), match="topic"):
        bus.producer().send([Message("", b"a")])


def test_whatever_names_a_topic_is_changed():
    """Also what the contract gets next year: each such hook is filled in here."""
    for contract, made in (
        (Bus, PrefixBus),
        (Consumer, PrefixConsumer),
        (Producer, PrefixProducer),
    ):
        for name, hook in vars(contract).items():
            words = getattr(hook, "__annotations__", {})
            if name[1:] in contract._sealed and {"topic", "topics", "messages"} & {
                *words
            }:
                assert name in vars(made), f"{made.__name__}.{name}"
