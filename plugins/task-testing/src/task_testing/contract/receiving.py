"""Rules about `receive`: how much, how soon, how late; and about `wake`."""

import threading
from collections.abc import Sequence
from time import monotonic

from task_core.api.bus import Consumer
from task_testing.contract.backdoor import not_offered
from task_testing.contract.kit import needs
from task_testing.contract.stage import Stage, bodies

TEN = [b"%d" % number for number in range(10)]
SOON = 1.0
"""Seconds that a busy machine may need for what happens at once."""


class Receiving:
    """What `receive` and `wake` promise."""

    def test_receive_returns_at_most_limit_and_in_the_end_all(
        self, stage: Stage
    ) -> None:
        """None is lost between two calls."""
        _, consumer = stage.filled(*TEN)
        assert sorted(bodies(stage.receive(consumer, 10, limit=3))) == TEN

    def test_receive_returns_as_soon_as_there_is_one(self, stage: Stage) -> None:
        """It does not wait for the limit, nor for its timeout."""
        topic, consumer = _waiting(stage)
        since: list[float] = []

        def put() -> None:
            stage.backdoor.put(topic, [b"now"])
            since.append(monotonic())

        timer = threading.Timer(0.3, put)
        timer.start()
        came = consumer.receive(10, _long(stage))
        until = monotonic()
        timer.join()
        assert bodies(came) == [b"now"]
        assert until - since[0] < SOON

    def test_receive_is_never_late(self, stage: Stage) -> None:
        """Nor early, when there is nothing and somebody may still write."""
        _, consumer = _waiting(stage)
        for timeout in (0.0, 0.4):
            start = monotonic()
            assert list(consumer.receive(10, timeout)) == []
            assert timeout - 0.05 < monotonic() - start < timeout + SOON

    @needs("ack")
    def test_no_more_than_the_limit_leaves_the_broker(self, stage: Stage) -> None:
        """What waits in a buffer could be done by another worker."""
        topic, consumer = stage.filled(*TEN)
        held = 0
        for limit in (1, 1, 2):
            came = stage.receive(consumer, limit, limit=limit)
            held += len(came)
            assert held <= stage.backdoor.in_flight(topic, "kit") <= held
        assert held == 4

    @needs("ack")
    def test_what_was_settled_makes_room_for_no_more_than_the_limit(
        self, stage: Stage
    ) -> None:
        """One task at a time means one message in flight."""
        topic, consumer = stage.filled(*TEN)
        for _ in range(4):
            came = stage.receive(consumer, 1)
            assert stage.backdoor.in_flight(topic, "kit") <= 1
            consumer.ack(came)
        assert stage.backdoor.in_flight(topic, "kit") <= 1

    @needs("bounded")
    def test_a_bounded_stream_ends_after_its_last_message(self, stage: Stage) -> None:
        """`exhausted` is false before and true after."""
        topic = stage.backdoor.topic()
        stage.backdoor.put(topic, TEN)
        consumer = stage.consumer(topic)
        assert not consumer.exhausted
        assert len(stage.receive(consumer, 10)) == 10
        stage.backdoor.end(topic)
        if not consumer.exhausted:  # the end is found by looking
            assert list(consumer.receive(1, stage.patience)) == []
        assert consumer.exhausted
        assert list(consumer.receive(1, stage.patience)) == []

    def test_a_stream_without_end_is_never_exhausted(self, stage: Stage) -> None:
        """Only a bounded bus may say so."""
        if stage.capabilities.bounded:
            not_offered("a stream without end")
        _, consumer = stage.filled(b"1")
        assert not consumer.exhausted
        stage.receive(consumer)
        assert not consumer.exhausted

    def test_a_wake_ends_the_wait(self, stage: Stage) -> None:
        """From any thread, and without a message."""
        _, consumer = _waiting(stage)
        timer = threading.Timer(0.3, consumer.wake)
        start = monotonic()
        timer.start()
        assert list(consumer.receive(1, _long(stage))) == []
        timer.join()
        assert 0.25 < monotonic() - start < 0.3 + SOON

    def test_a_wake_before_the_wait_ends_it(self, stage: Stage) -> None:
        """Otherwise the wake of a moment too early would be lost."""
        _, consumer = _waiting(stage)
        consumer.wake()
        start = monotonic()
        assert list(consumer.receive(1, _long(stage))) == []
        assert monotonic() - start < SOON

    def test_a_wake_costs_no_message(self, stage: Stage) -> None:
        """What is there is delivered, then or at the next call."""
        _, consumer = stage.filled(*TEN)
        found: list[bytes] = []
        deadline = monotonic() + stage.patience
        while len(found) < 10 and monotonic() < deadline:
            for timeout in (0.0, 1.0):  # the first one may come back with nothing
                consumer.wake()
                consumer.wake()
                found += bodies(consumer.receive(1, timeout))
                found += bodies(consumer.receive(1, timeout))
        assert sorted(found) == TEN


def _long(stage: Stage) -> float:
    """Return seconds that nobody can take for `SOON`, however short patience is."""
    return max(stage.patience, 2 * SOON)


def _waiting(stage: Stage) -> tuple[str, Consumer]:
    """Return a consumer that is at work, on a topic that is empty now."""
    topic, consumer = stage.filled(b"warm up")
    came: Sequence[object] = stage.receive(consumer)
    assert came, "the first message did not come"
    if stage.capabilities.ack:
        consumer.ack(came)  # type: ignore[arg-type]
    if not consumer.exhausted:
        assert stage.quiet(consumer, 0.05) == []
    if consumer.exhausted:
        not_offered("waiting for more")
    return topic, consumer
