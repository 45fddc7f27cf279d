"""Rules about closing: in every state, twice, and what is refused afterwards."""

import threading
from collections.abc import Callable

import pytest

from task_core.api.message import Message
from task_core.errors import BusClosedError, LeaseLostError
from task_testing.contract.kit import needs
from task_testing.contract.stage import Stage, bodies


class Lifetimes:
    """Opening, closing, and use after it."""

    def test_the_bus_has_the_name_of_its_plugin(self, stage: Stage) -> None:
        """Messages name it."""
        assert stage.bus.name == stage.plugin.name

    def test_a_bus_may_be_closed_before_its_first_use(self, stage: Stage) -> None:
        """And twice."""
        bus = stage.open()
        bus.close()
        bus.close()

    def test_closing_twice_is_no_error(self, stage: Stage) -> None:
        """In any order: consumer, producer, bus."""
        _, consumer = stage.filled(b"1")
        producer = stage.bus_of(consumer).producer()
        stage.receive(consumer)
        for _ in range(2):
            consumer.close()
            producer.close()
        for _ in range(2):
            stage.bus_of(consumer).close()
        consumer.close()
        producer.close()

    def test_a_consumer_may_be_closed_before_its_first_receive(
        self, stage: Stage
    ) -> None:
        """And what it did not take is there for others."""
        topic, consumer = stage.filled(b"1")
        consumer.close()
        consumer.close()
        if stage.capabilities.channels:
            assert bodies(stage.receive(stage.consumer(topic))) == [b"1"]

    def test_a_closed_consumer_refuses(self, stage: Stage) -> None:
        """Otherwise it would wait for ever."""
        _, consumer = stage.filled(b"1")
        consumer.close()
        with pytest.raises(BusClosedError):
            consumer.receive(1, 0)

    def test_a_closed_producer_refuses(self, stage: Stage) -> None:
        """Otherwise a task would be lost in silence."""
        topic = stage.backdoor.topic()
        before = stage.backdoor.take(topic)
        producer = stage.bus.producer()
        producer.close()
        with pytest.raises(BusClosedError):
            producer.send([Message(topic, b"1")])
        assert stage.backdoor.take(topic) == before

    def test_a_closed_bus_closes_what_it_made(self, stage: Stage) -> None:
        """Its consumers and producers refuse too."""
        topic, consumer = stage.filled(b"1")
        producer = stage.bus_of(consumer).producer()
        stage.bus_of(consumer).close()
        with pytest.raises(BusClosedError):
            consumer.receive(1, 0)
        with pytest.raises(BusClosedError):
            producer.send([Message(topic, b"1")])

    def test_a_closed_bus_makes_nothing_new(self, stage: Stage) -> None:
        """Neither consumers nor producers."""
        topic, consumer = stage.filled(b"1")
        stage.bus_of(consumer).close()
        with pytest.raises(BusClosedError):
            stage.bus_of(consumer).subscribe(topic, "kit")
        with pytest.raises(BusClosedError):
            stage.bus_of(consumer).producer()

    @needs("ack")
    def test_a_closed_consumer_settles_nothing(self, stage: Stage) -> None:
        """It has given everything back: others have it, or will."""
        topic, consumer = stage.filled(b"1")
        done = stage.backdoor.topic()
        held = stage.receive(consumer)
        consumer.close()
        with pytest.raises((BusClosedError, LeaseLostError)):
            consumer.settle(held, [Message(done, b"late")])
        assert stage.backdoor.take(done) == []
        with pytest.raises((BusClosedError, LeaseLostError)):
            consumer.ack(held)
        assert bodies(stage.receive(stage.consumer(topic))) == [b"1"]

    def test_a_closed_bus_answers_nothing(self, stage: Stage) -> None:
        """It would have to connect again."""
        topic, consumer = stage.filled(b"1")
        bus = stage.bus_of(consumer)
        bus.close()
        questions: dict[str, Callable[[], object]] = {
            "depth": lambda: bus.depth(topic, "kit"),
            "topics": bus.topics,
            "peek": lambda: bus.peek(topic, 1),
        }
        for name, question in questions.items():
            if getattr(bus.capabilities, name):
                with pytest.raises(BusClosedError):
                    question()
        with pytest.raises(BusClosedError):
            bus.ping()
        with pytest.raises(BusClosedError):
            bus.prepare([topic])
        with pytest.raises(BusClosedError):
            consumer.settle([], [Message(topic, b"late")])

    def test_a_wake_after_close_is_no_error(self, stage: Stage) -> None:
        """A task may finish while the launcher closes."""
        _, consumer = stage.filled(b"1")
        consumer.close()
        consumer.wake()
        stage.bus_of(consumer).close()
        consumer.wake()

    def test_closing_while_others_wake_is_safe(self, stage: Stage) -> None:
        """They do not know."""
        _, consumer = stage.filled(b"1")
        stage.receive(consumer)
        closed = threading.Event()
        failures: list[BaseException] = []

        def wake() -> None:
            try:
                while not closed.wait(0.0005):
                    consumer.wake()
                consumer.wake()
            except BaseException as error:  # noqa: BLE001  told in the test
                failures.append(error)

        threads = [threading.Thread(target=wake) for _ in range(3)]
        for thread in threads:
            thread.start()
        consumer.close()
        stage.bus_of(consumer).close()
        closed.set()
        for thread in threads:
            thread.join()
        assert failures == []
