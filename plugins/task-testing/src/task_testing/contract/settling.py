"""Rules about ack, nack and settle: what is done, what comes again."""

from time import monotonic

import pytest

from task_core.api.message import Message
from task_core.errors import PayloadError
from task_testing.contract.kit import needs
from task_testing.contract.stage import Stage, bodies

DELAY = 2.0
"""Seconds of the delays in these rules; a clock's tick less is no lie."""
TICK = 0.05


class Settling:
    """At least once: a delivery stays the broker's until it is settled."""

    @needs("ack")
    def test_what_was_acknowledged_never_comes_again(self, stage: Stage) -> None:
        """Not to this consumer, not to the next."""
        topic, consumer = stage.filled(b"1", b"2")
        consumer.ack(stage.receive(consumer, 2))
        assert stage.quiet(consumer, 0.2) == []
        consumer.close()
        assert stage.quiet(stage.consumer(topic), 1.0) == []

    @needs("ack")
    def test_what_was_not_acknowledged_comes_again(self, stage: Stage) -> None:
        """When the consumer closes, at once and long before its lease is over."""
        topic, consumer = stage.filled(b"1", b"2")
        assert len(stage.receive(consumer, 2)) == 2
        consumer.close()
        again = stage.receive(stage.consumer(topic), 2)
        assert sorted(bodies(again)) == [b"1", b"2"]

    @needs("ack")
    def test_one_ack_does_not_acknowledge_others(self, stage: Stage) -> None:
        """In whatever order tasks finish."""
        topic, consumer = stage.filled(b"1", b"2", b"3")
        came = {delivery.body: delivery for delivery in stage.receive(consumer, 3)}
        consumer.ack([came[b"2"]])
        consumer.close()
        heir = stage.consumer(topic)
        again = bodies(stage.receive(heir, 2))
        again += stage.quiet(heir, 0.3)
        assert {b"1", b"3"} <= set(again)

    @needs("ack")
    def test_closing_the_bus_gives_back_too(self, stage: Stage) -> None:
        """It closes its consumers."""
        topic, consumer = stage.filled(b"1")
        assert len(stage.receive(consumer)) == 1
        stage.bus_of(consumer).close()
        assert bodies(stage.receive(stage.consumer(topic))) == [b"1"]

    @needs("nack")
    def test_what_was_given_back_comes_again(self, stage: Stage) -> None:
        """Soon, and until it is acknowledged."""
        topic, consumer = stage.filled(b"1")
        for _ in range(2):
            came = stage.receive(consumer)
            assert bodies(came) == [b"1"]
            consumer.nack(came)
        last = stage.receive(consumer)
        assert bodies(last) == [b"1"]
        consumer.ack(last)
        consumer.close()
        assert stage.quiet(stage.consumer(topic)) == []

    @needs("nack_delay")
    def test_a_nack_with_delay_comes_after_it_and_not_before(
        self, stage: Stage
    ) -> None:
        """The consumer goes on with others meanwhile."""
        topic, consumer = stage.filled(b"1")
        came = stage.receive(consumer)
        start = monotonic()
        consumer.nack(came, DELAY)
        stage.backdoor.put(topic, [b"2"])
        other = stage.receive(consumer)
        assert bodies(other) == [b"2"]
        consumer.ack(other)
        assert bodies(stage.receive(consumer)) == [b"1"]
        assert monotonic() - start >= DELAY - TICK

    @needs("attempts")
    def test_attempts_count_the_receipts_of_a_message(self, stage: Stage) -> None:
        """From 1, over nack and close."""
        topic, consumer = stage.filled(b"1")
        first = stage.receive(consumer)
        consumer.nack(first)
        second = stage.receive(consumer)
        consumer.close()
        third = stage.receive(stage.consumer(topic))
        assert [d.attempt for d in (*first, *second, *third)] == [1, 2, 3]

    @needs("ack")
    def test_settle_sends_and_acknowledges(self, stage: Stage) -> None:
        """What was produced is there, what was received is gone."""
        topic, consumer = stage.filled(b"1", b"2")
        done = stage.backdoor.topic()
        came = stage.receive(consumer, 2)
        consumer.settle(came, [Message(done, b"a"), Message(done, b"b")])
        assert sorted(stage.backdoor.take(done)) == [b"a", b"b"]
        consumer.close()
        assert stage.quiet(stage.consumer(topic), 1.0) == []

    @needs("ack")
    def test_settle_without_messages_acknowledges(self, stage: Stage) -> None:
        """An ignored task leaves nothing."""
        topic, consumer = stage.filled(b"1")
        consumer.settle(stage.receive(consumer), [])
        consumer.close()
        assert stage.quiet(stage.consumer(topic), 1.0) == []

    def test_settle_without_acks_only_sends(self, stage: Stage) -> None:
        """On every bus; the launcher does not ask."""
        _, consumer = stage.filled(b"1")
        done = stage.backdoor.topic()
        before = stage.backdoor.take(done)
        consumer.settle([], [Message(done, b"a")])
        assert stage.backdoor.take(done)[len(before) :] == [b"a"]

    @needs("ack")
    def test_a_settle_that_fails_acknowledges_nothing(self, stage: Stage) -> None:
        """And sends nothing that was refused: the same delivery can be settled."""
        topic, consumer = stage.filled(b"1")
        done = stage.backdoor.topic()
        came = stage.receive(consumer)
        wrong = [Message(done, b"a"), Message("", b"no topic")]
        with pytest.raises(PayloadError):
            consumer.settle(came, wrong)
        assert stage.backdoor.take(done) == []
        consumer.close()
        assert bodies(stage.receive(stage.consumer(topic))) == [b"1"]
