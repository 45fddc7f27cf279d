"""Rules about bodies: what is sent arrives as it was, whole, or is refused."""

import pytest

from task_core.api.bus import Role
from task_core.api.message import Message
from task_core.errors import PayloadError
from task_testing.contract.backdoor import not_offered
from task_testing.contract.kit import needs
from task_testing.contract.stage import Stage, bodies

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

kinds = pytest.mark.parametrize("body", KINDS.values(), ids=KINDS)


class Carrying:
    """What becomes of bodies."""

    @kinds
    def test_a_body_reaches_the_broker_unchanged_or_is_refused(
        self, stage: Stage, body: bytes
    ) -> None:
        """Refused is `PayloadError`, and then nothing is sent."""
        topic = stage.backdoor.topic()
        try:
            stage.send(topic, body)
        except PayloadError:
            assert stage.backdoor.take(topic) == []
        else:
            assert stage.backdoor.take(topic) == [body]

    @kinds
    def test_a_body_is_delivered_as_the_broker_holds_it(
        self, stage: Stage, body: bytes
    ) -> None:
        """Nothing is decoded, stripped or added."""
        _, consumer = stage.filled(body)
        assert bodies(stage.receive(consumer)) == [body]

    def test_a_batch_arrives_whole(self, stage: Stage) -> None:
        """Whatever it is split into on the way."""
        topic = stage.backdoor.topic()
        stage.send(topic, *BATCH)
        assert sorted(stage.backdoor.take(topic)) == BATCH

    def test_one_send_may_go_to_several_topics(self, stage: Stage) -> None:
        """Each message to its own."""
        first, second = stage.backdoor.topic(), stage.backdoor.topic()
        if first == second:
            not_offered("several topics")
        producer = stage.bus.producer()
        pairs = ((first, b"1"), (second, b"2"), (first, b"3"))
        producer.send([Message(topic, body) for topic, body in pairs])
        assert sorted(stage.backdoor.take(first)) == [b"1", b"3"]
        assert stage.backdoor.take(second) == [b"2"]

    def test_sending_nothing_is_no_error(self, stage: Stage) -> None:
        """An empty settle happens."""
        stage.bus.producer().send([])

    def test_one_refused_message_sends_nothing(self, stage: Stage) -> None:
        """It is found before anything leaves."""
        topic = stage.backdoor.topic()
        producer = stage.bus.producer()
        with pytest.raises(PayloadError):
            producer.send([Message(topic, b"good"), Message("", b"no topic")])
        assert stage.backdoor.take(topic) == []

    @needs("max_bytes")
    def test_the_longest_body_arrives_and_one_byte_more_is_refused(
        self, stage: Stage
    ) -> None:
        """`max_bytes` tells the truth."""
        longest = b"x" * (stage.capabilities.max_bytes or 0)
        topic = stage.backdoor.topic()
        stage.send(topic, longest)
        with pytest.raises(PayloadError):
            stage.send(topic, b"good", longest + b"x")
        assert stage.backdoor.take(topic) == [longest]

    def test_a_prepared_topic_can_be_written(self, stage: Stage) -> None:
        """The launcher prepares before it receives."""
        topic = stage.backdoor.topic()
        producer = stage.bus.producer()
        producer.prepare([topic])
        producer.prepare([topic])
        producer.send([Message(topic, b"1")])
        assert stage.backdoor.take(topic) == [b"1"]

    def test_a_bus_that_is_only_written_sends(self, stage: Stage) -> None:
        """`--out-bus`."""
        topic = stage.backdoor.topic()
        producer = stage.open(role=Role.OUT).producer()
        producer.send([Message(topic, b"1")])
        producer.close()
        assert stage.backdoor.take(topic) == [b"1"]

    def test_a_bus_that_is_only_read_delivers(self, stage: Stage) -> None:
        """`--in-bus`."""
        topic = stage.backdoor.topic()
        stage.backdoor.put(topic, [b"1"])
        consumer = stage.open(role=Role.IN).subscribe(topic, "kit")
        assert bodies(stage.receive(consumer)) == [b"1"]
