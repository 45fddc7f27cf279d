"""Rules about bodies: what is sent arrives as it was, whole, or is refused."""

from collections.abc import Sequence
from time import monotonic

import pytest

from task_core.api import (
    BusConnectionError,
    BusError,
    Message,
    PayloadError,
    Producer,
    Role,
)
from task_testing.contract.backdoor import not_offered
from task_testing.contract.environment import Environment, bodies
from task_testing.contract.kit import needs

KINDS = {
    "task": b'{"type":"load","info":"file.csv?x=1&y=<2>"}',
    "empty": b"",
    "unicode": "Grüße, 世界 🚀".encode(),
    "newline": b"one\ntwo\r\n",
    "binary": bytes(range(256)),
    "no utf-8": b"\xff\xfe\x00",
    "large": b"0123456789abcdef" * 4096,
}
"""Bodies that have been carried wrongly somewhere."""
BATCH = [b"%04d" % number for number in range(500)]

FREE = 0.0001
"""Seconds for one message: less is not worth a batch."""

kinds = pytest.mark.parametrize("body", KINDS.values(), ids=KINDS)


class Carrying:
    """What becomes of bodies."""

    @kinds
    def test_a_body_reaches_the_broker_unchanged_or_is_refused(
        self, env: Environment, body: bytes
    ) -> None:
        """Refused is `PayloadError`, then nothing is sent: nor of those beside it."""
        topic = env.backdoor.topic()
        try:
            env.send(topic, body)
        except PayloadError:
            with pytest.raises(PayloadError) as caught:
                env.send(topic, b"good", body, b"good too")
            assert caught.value.refused == (1,)
            assert env.backdoor.take(topic) == []
        else:
            assert env.backdoor.take(topic) == [body]

    @kinds
    def test_a_body_is_delivered_as_the_broker_holds_it(
        self, env: Environment, body: bytes
    ) -> None:
        """Nothing is decoded, stripped or added."""
        _, consumer = env.filled(body)
        assert bodies(env.receive(consumer)) == [body]

    def test_a_batch_arrives_whole(self, env: Environment) -> None:
        """Whatever it is split into on the way."""
        topic = env.backdoor.topic()
        env.send(topic, *BATCH)
        assert sorted(env.backdoor.take(topic)) == BATCH

    def test_one_send_may_go_to_several_topics(self, env: Environment) -> None:
        """Each message to its own."""
        first, second = env.backdoor.topic(), env.backdoor.topic()
        if first == second:
            not_offered("several topics")
        producer = env.bus.producer()
        pairs = ((first, b"1"), (second, b"2"), (first, b"3"))
        producer.send([Message(topic, body) for topic, body in pairs])
        assert sorted(env.backdoor.take(first)) == [b"1", b"3"]
        assert env.backdoor.take(second) == [b"2"]

    def test_sending_nothing_is_no_error(self, env: Environment) -> None:
        """An empty settle happens."""
        env.bus.producer().send([])

    def test_one_refused_message_sends_nothing(self, env: Environment) -> None:
        """It is found before anything leaves, and the error tells which it is."""
        topic = env.backdoor.topic()
        producer = env.bus.producer()
        with pytest.raises(PayloadError) as caught:
            producer.send([Message(topic, b"good"), Message("", b"no topic")])
        assert env.backdoor.take(topic) == []
        assert caught.value.refused == (1,)

    @needs("max_bytes")
    def test_the_longest_body_arrives_and_one_byte_more_is_refused(
        self, env: Environment
    ) -> None:
        """`max_bytes` tells the truth."""
        longest = b"x" * (env.capabilities.max_bytes or 0)
        topic = env.backdoor.topic()
        env.send(topic, longest)
        with pytest.raises(PayloadError) as caught:
            env.send(topic, b"good", longest + b"x")
        assert caught.value.refused == (1,)
        assert env.backdoor.take(topic) == [longest]

    def test_a_prepared_topic_can_be_written(self, env: Environment) -> None:
        """The launcher prepares before it receives."""
        topic = env.backdoor.topic()
        producer = env.bus.producer()
        producer.prepare([topic])
        producer.prepare([topic])
        producer.send([Message(topic, b"1")])
        assert env.backdoor.take(topic) == [b"1"]

    def test_a_bus_that_is_only_written_sends(self, env: Environment) -> None:
        """`--out-bus`."""
        topic = env.backdoor.topic()
        producer = env.open(role=Role.OUT).producer()
        producer.send([Message(topic, b"1")])
        producer.close()
        assert env.backdoor.take(topic) == [b"1"]

    def test_a_bus_that_is_only_read_delivers(self, env: Environment) -> None:
        """`--in-bus`."""
        _, consumer = env.filled(b"1", role=Role.IN)
        assert bodies(env.receive(consumer)) == [b"1"]

    def test_a_topic_may_have_letters_digits_dots_dashes_and_underscores(
        self, env: Environment
    ) -> None:
        """Names that every bus takes are what makes a bus a choice."""
        topic = f"{env.backdoor.topic()}.Aa_9-z"
        env.bus.prepare([topic])
        env.send(topic, b"1")
        assert env.backdoor.take(topic) == [b"1"]

    def test_a_topic_that_the_broker_cannot_name_is_refused(
        self, env: Environment
    ) -> None:
        """For good, and without the others: a child task may name any topic."""
        topic, bad = env.backdoor.topic(), env.backdoor.bad_topic()
        with pytest.raises(PayloadError) as caught:
            env.bus.producer().send([Message(topic, b"1"), Message(bad, b"2")])
        assert caught.value.refused == (1,)
        assert env.backdoor.take(topic) == []
        for use in (lambda: env.bus.prepare([bad]), lambda: env.consumer(bad)):
            with pytest.raises(BusError) as found:
                use()
            assert not isinstance(found.value, BusConnectionError)

    @needs("batch_send")
    def test_a_batch_is_quicker_than_its_messages_one_by_one(
        self, env: Environment
    ) -> None:
        """By far, unless each takes next to no time."""
        topic = env.backdoor.topic()
        producer = env.bus.producer()
        producer.prepare([topic])
        batch = [Message(topic, body) for body in BATCH[:100]]
        alone = [[message] for message in batch]
        producer.send(batch[:1])  # whatever is done once
        # the best of three of each: the machine has other work too
        times = [
            (_seconds(producer, alone), _seconds(producer, [batch])) for _ in "123"
        ]
        each, whole = (min(column) for column in zip(*times, strict=True))
        assert each < FREE * len(batch) or whole < each / 2


def _seconds(producer: Producer, sends: Sequence[Sequence[Message]]) -> float:
    start = monotonic()
    for messages in sends:
        producer.send(messages)
    return monotonic() - start
