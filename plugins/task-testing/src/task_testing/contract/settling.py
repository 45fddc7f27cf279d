"""Rules about ack, nack and settle: what is done, what comes again."""

import contextlib
from time import monotonic

import pytest

from task_core.api import Message, PayloadError
from task_testing.contract.environment import CAME_AGAIN, Environment, bodies
from task_testing.contract.kit import needs

DELAY = 2.0
"""Seconds of the delays in these rules; a clock's tick less is no lie."""
TICK = 0.05


class Settling:
    """At least once: a delivery stays the broker's until it is settled."""

    @needs("ack")
    def test_what_was_acknowledged_never_comes_again(self, env: Environment) -> None:
        """Not to this consumer, not to the next."""
        topic, consumer = env.filled(b"1", b"2")
        consumer.ack(env.receive(consumer, 2))
        assert env.quiet(consumer, 0.2) == [], CAME_AGAIN
        consumer.close()
        assert env.quiet(env.consumer(topic), 1.0) == [], CAME_AGAIN

    @needs("ack")
    def test_what_was_not_acknowledged_comes_again(self, env: Environment) -> None:
        """When the consumer closes, at once and long before its lease is over."""
        topic, consumer = env.filled(b"1", b"2")
        assert len(env.receive(consumer, 2)) == 2
        consumer.close()
        again = env.receive(env.consumer(topic), 2)
        assert sorted(bodies(again)) == [b"1", b"2"]

    @needs("ack")
    def test_one_ack_does_not_acknowledge_others(self, env: Environment) -> None:
        """In whatever order tasks finish."""
        topic, consumer = env.filled(b"1", b"2", b"3")
        came = {delivery.body: delivery for delivery in env.receive(consumer, 3)}
        consumer.ack([came[b"2"]])
        consumer.close()
        heir = env.consumer(topic)
        again = bodies(env.receive(heir, 2))
        again += env.quiet(heir, 0.3)
        assert sorted(again) in ([b"1", b"3"], [b"1", b"2", b"3"])

    @needs("ack")
    def test_closing_the_bus_gives_back_too(self, env: Environment) -> None:
        """It closes its consumers."""
        topic, consumer = env.filled(b"1")
        assert len(env.receive(consumer)) == 1
        env.bus_of(consumer).close()
        assert bodies(env.receive(env.consumer(topic))) == [b"1"]

    @needs("nack")
    def test_what_was_given_back_comes_again(self, env: Environment) -> None:
        """Soon, and until it is acknowledged."""
        topic, consumer = env.filled(b"1")
        for _ in range(2):
            came = env.receive(consumer)
            assert bodies(came) == [b"1"]
            consumer.nack(came)
        last = env.receive(consumer)
        assert bodies(last) == [b"1"]
        consumer.ack(last)
        consumer.close()
        assert env.quiet(env.consumer(topic)) == []

    @needs("nack")
    def test_giving_one_back_leaves_the_others(self, env: Environment) -> None:
        """They are in work: neither done by that, nor to be done by somebody else."""
        topic, consumer = env.filled(b"1", b"2", b"3")
        came = {delivery.body: delivery for delivery in env.receive(consumer, 3)}
        consumer.nack([came[b"2"]])
        assert bodies(env.receive(consumer)) == [b"2"]
        assert env.quiet(consumer, 0.3) == [], "what was not given back came again"
        consumer.close()
        env.receive_all(env.consumer(topic), came)

    @needs("nack_delay")
    def test_a_nack_with_delay_comes_after_it_and_not_before(
        self, env: Environment
    ) -> None:
        """The consumer goes on with others meanwhile."""
        topic, consumer = env.filled(b"1")
        came = env.receive(consumer)
        start = monotonic()
        consumer.nack(came, DELAY)
        env.backdoor.put(topic, [b"2"])
        other = env.receive(consumer)
        assert bodies(other) == [b"2"]
        consumer.ack(other)
        assert bodies(env.receive(consumer)) == [b"1"]
        assert monotonic() - start >= DELAY - TICK

    @needs("attempts")
    def test_attempts_count_the_receipts_of_a_message(self, env: Environment) -> None:
        """From 1, over nack and close."""
        topic, consumer = env.filled(b"1")
        first = env.receive(consumer)
        consumer.nack(first)
        second = env.receive(consumer)
        consumer.close()
        third = env.receive(env.consumer(topic))
        came = (*first, *second, *third)
        assert [delivery.attempt for delivery in came] == [1, 2, 3]
        # a bus may not know who gave back, but it does not make it up
        assert all(one.returned in {0, one.attempt - 1} for one in came)
        assert all(0 <= one.unsure < one.attempt - one.returned for one in came)

    @needs("attempts")
    def test_what_was_given_back_is_told_apart_from_deaths(
        self, env: Environment
    ) -> None:
        """By `returned`: otherwise clean stops would make a good task a dead letter."""
        topic, consumer = env.filled(b"1")
        consumer.nack(env.receive(consumer))
        env.receive(consumer)
        consumer.close()
        [again] = env.receive(env.consumer(topic))
        assert (again.attempt, again.returned, again.unsure) == (3, 2, 0)

    @needs("ack")
    def test_settle_sends_and_acknowledges(self, env: Environment) -> None:
        """What was produced is there, what was received is gone."""
        topic, consumer = env.filled(b"1", b"2")
        done = env.backdoor.topic()
        came = env.receive(consumer, 2)
        consumer.settle(came, [Message(done, b"a"), Message(done, b"b")])
        assert sorted(env.backdoor.take(done)) == [b"a", b"b"]
        consumer.close()
        assert env.quiet(env.consumer(topic), 1.0) == [], CAME_AGAIN

    @needs("ack")
    def test_settle_without_messages_acknowledges(self, env: Environment) -> None:
        """An ignored task leaves nothing."""
        topic, consumer = env.filled(b"1")
        consumer.settle(env.receive(consumer), [])
        consumer.close()
        assert env.quiet(env.consumer(topic), 1.0) == [], CAME_AGAIN

    def test_settle_without_acks_only_sends(self, env: Environment) -> None:
        """On every bus; the launcher does not ask."""
        _, consumer = env.filled(b"1")
        done = env.backdoor.topic()
        before = env.backdoor.take(done)
        consumer.settle([], [Message(done, b"a")])
        assert env.backdoor.take(done)[len(before) :] == [b"a"]

    @needs("ack")
    def test_a_settle_that_fails_acknowledges_nothing(self, env: Environment) -> None:
        """And sends nothing."""
        topic, consumer = env.filled(b"1")
        done = env.backdoor.topic()
        came = env.receive(consumer)
        wrong = [Message(done, b"a"), Message("", b"no topic")]
        with pytest.raises(PayloadError):
            consumer.settle(came, wrong)
        assert env.backdoor.take(done) == []
        consumer.close()
        assert bodies(env.receive(env.consumer(topic))) == [b"1"]

    @needs("ack")
    def test_a_refused_message_does_not_hinder_the_rest(self, env: Environment) -> None:
        """It is singled out; without it the same deliveries are settled."""
        topic, consumer = env.filled(b"1", b"2")
        done = env.backdoor.topic()
        came = env.receive(consumer, 2)
        messages = [Message(done, b"a"), Message("", b"no topic"), Message(done, b"b")]
        if (limit := env.capabilities.max_bytes) is not None:
            messages.append(Message(done, b"x" * (limit + 1)))
        with pytest.raises(PayloadError) as caught:
            consumer.settle(came, messages)
        assert caught.value.refused == tuple(range(1, len(messages), 2))
        for wrong in _refused_by_the_bus(env, done):
            with pytest.raises(PayloadError) as caught:
                consumer.settle(came, [messages[0], wrong, messages[2]])
            assert caught.value.refused == (1,)
        consumer.settle(came, messages[:3:2])
        assert sorted(env.backdoor.take(done)) == [b"a", b"b"]
        consumer.close()
        assert env.quiet(env.consumer(topic), 1.0) == [], CAME_AGAIN


def _refused_by_the_bus(env: Environment, topic: str) -> list[Message]:
    """Return what it refuses by itself, after the base has found nothing wrong."""
    found = []
    with contextlib.suppress(pytest.skip.Exception):
        found.append(Message(env.backdoor.bad_topic(), b"bad"))
    spare = env.backdoor.topic()
    for body in (b"", b"one\ntwo"):
        try:
            env.send(spare, body)
        except PayloadError:
            found.append(Message(topic, body))
    return found
