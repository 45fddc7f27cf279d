"""Rules about what some buses do besides: order, delay, headers, questions."""

import functools
from time import monotonic

import pytest

from task_testing.contract.kit import needs
from task_testing.contract.settling import DELAY, TICK
from task_testing.contract.stage import Stage, bodies

FIFTY = [b"%02d" % number for number in range(50)]


class Extras:
    """A declared capability is kept."""

    @needs("ordered")
    @pytest.mark.parametrize("limit", [1, 7, 50])
    def test_messages_come_in_the_order_of_sending(
        self, stage: Stage, limit: int
    ) -> None:
        """To one consumer."""
        _, consumer = stage.filled(*FIFTY)
        assert bodies(stage.receive(consumer, 50, limit=limit)) == FIFTY

    @needs("ordered")
    def test_messages_are_written_in_the_order_of_sending(self, stage: Stage) -> None:
        """Within one send and from one to the next."""
        topic = stage.backdoor.topic()
        stage.send(topic, *FIFTY[:20])
        stage.send(topic, *FIFTY[20:])
        assert stage.backdoor.take(topic) == FIFTY

    @needs("delay")
    def test_a_delayed_message_comes_after_its_delay_and_not_before(
        self, stage: Stage
    ) -> None:
        """Others pass it meanwhile."""
        topic, consumer = stage.filled(b"warm up")
        warm = stage.receive(consumer)
        if stage.capabilities.ack:
            consumer.ack(warm)
        start = monotonic()
        stage.send(topic, b"later", delay=DELAY)
        stage.send(topic, b"now")
        now = stage.receive(consumer)
        assert bodies(now) == [b"now"]
        if stage.capabilities.ack:
            consumer.ack(now)
        assert bodies(stage.receive(consumer)) == [b"later"]
        assert monotonic() - start >= DELAY - TICK

    @needs("priority")
    def test_a_higher_priority_comes_first(self, stage: Stage) -> None:
        """Whatever was sent before."""
        topic = stage.backdoor.topic()
        for body, priority in ((b"low", 0), (b"high", 9), (b"middle", 5)):
            stage.send(topic, body, priority=priority)
        consumer = stage.consumer(topic)
        assert bodies(stage.receive(consumer, 3)) == [b"high", b"middle", b"low"]

    @needs("headers", "ack")
    def test_headers_come_as_they_were_sent(self, stage: Stage) -> None:
        """Names, values, and having none."""
        topic, consumer = stage.filled(b"warm up")
        consumer.ack(stage.receive(consumer))
        headers = {"trace": "00-4bf9-01", "Größe": "ü = & ; %", "empty": ""}
        stage.send(topic, b"with", headers=headers)
        stage.send(topic, b"without")
        came = {d.body: d.headers for d in stage.receive(consumer, 2)}
        assert came[b"with"] == headers
        assert not came[b"without"]

    @needs("depth", "channels", "ack")
    def test_depth_tells_how_many_messages_wait(self, stage: Stage) -> None:
        """Before the first receipt, and none when all are done."""
        topic, consumer = stage.filled(b"1", b"2", b"3")
        first = stage.receive(consumer)
        depth = functools.partial(stage.bus_of(consumer).depth, topic, "kit")
        # what is in hand counts where the broker cannot tell it from what waits
        assert stage.comes_true(lambda: depth() in {2, 3})
        consumer.ack([*first, *stage.receive(consumer, 2)])
        assert stage.comes_true(lambda: depth() == 0)
        assert stage.bus.depth(stage.backdoor.topic(), "nobody") == 0

    @needs("topics")
    def test_topics_tell_their_names_sorted(self, stage: Stage) -> None:
        """With those that nobody reads."""
        names = sorted(stage.backdoor.topic() for _ in range(2))
        for name in reversed(names):
            stage.send(name, b"1")
        assert stage.comes_true(lambda: set(names) <= set(stage.bus.topics()))
        told = list(stage.bus.topics())
        assert told == sorted(told)

    @needs("peek", "ack")
    def test_peek_shows_and_takes_nothing(self, stage: Stage) -> None:
        """The oldest first, no more than asked for."""
        topic, consumer = stage.filled(b"1", b"2", b"3")
        assert list(stage.bus.peek(topic, 2)) == [b"1", b"2"]
        assert list(stage.bus.peek(topic, 9)) == [b"1", b"2", b"3"]
        assert bodies(stage.receive(consumer, 3)) == [b"1", b"2", b"3"]

    def test_a_ping_of_a_broker_that_works_says_nothing(self, stage: Stage) -> None:
        """`doctor --connect`."""
        stage.bus.ping()
