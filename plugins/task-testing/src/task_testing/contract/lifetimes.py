"""Rules about closing: in every state, twice, and what is refused afterwards."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import getattr_static
from typing import TypeVar

import pytest

from task_core.api import (
    Bus,
    BusClosedError,
    Consumer,
    LeaseLostError,
    Message,
    Producer,
)
from task_testing.contract.environment import Environment, bodies
from task_testing.contract.kit import needs

T = TypeVar("T")


class Lifetimes:
    """Opening, closing, and use after it."""

    def test_the_public_methods_are_those_of_the_contract(
        self, env: Environment
    ) -> None:
        """They keep what every caller counts on; a bus fills in the hooks."""
        _, consumer = env.filled(b"1")
        parts: dict[type, object] = {
            Bus: env.bus_of(consumer),
            Consumer: consumer,
            Producer: env.bus_of(consumer).producer(),
        }
        for base, part in parts.items():
            for name, method in vars(base).items():
                if name[0] != "_" and (
                    callable(method) or isinstance(method, property)
                ):
                    assert getattr_static(part, name) is method, f"replaced: {name}"

    def test_the_bus_has_the_name_of_its_plugin(self, env: Environment) -> None:
        """Messages name it."""
        assert env.bus.name == env.plugin.name

    def test_a_bus_may_be_closed_before_its_first_use(self, env: Environment) -> None:
        """And twice."""
        bus = env.open()
        bus.close()
        bus.close()

    def test_closing_twice_is_no_error(self, env: Environment) -> None:
        """In any order: consumer, producer, bus."""
        _, consumer = env.filled(b"1")
        producer = env.bus_of(consumer).producer()
        env.receive(consumer)
        for _ in range(2):
            consumer.close()
            producer.close()
        for _ in range(2):
            env.bus_of(consumer).close()
        consumer.close()
        producer.close()

    def test_a_consumer_may_be_closed_before_its_first_receive(
        self, env: Environment
    ) -> None:
        """And what it did not take is there for others."""
        topic, consumer = env.filled(b"1")
        consumer.close()
        consumer.close()
        if env.capabilities.channels:
            assert bodies(env.receive(env.consumer(topic))) == [b"1"]

    def test_a_closed_consumer_refuses(self, env: Environment) -> None:
        """Otherwise it would wait for ever."""
        _, consumer = env.filled(b"1")
        consumer.close()
        with pytest.raises(BusClosedError):
            consumer.receive(1, 0)

    def test_a_closed_producer_refuses(self, env: Environment) -> None:
        """Otherwise a task would be lost in silence."""
        topic = env.backdoor.topic()
        before = env.backdoor.take(topic)
        producer = env.bus.producer()
        producer.close()
        with pytest.raises(BusClosedError):
            producer.send([Message(topic, b"1")])
        assert env.backdoor.take(topic) == before

    def test_a_closed_bus_closes_what_it_made(self, env: Environment) -> None:
        """Its consumers and producers refuse too."""
        topic, consumer = env.filled(b"1")
        producer = env.bus_of(consumer).producer()
        env.bus_of(consumer).close()
        with pytest.raises(BusClosedError):
            consumer.receive(1, 0)
        with pytest.raises(BusClosedError):
            producer.send([Message(topic, b"1")])

    def test_a_closed_bus_makes_nothing_new(self, env: Environment) -> None:
        """Neither consumers nor producers."""
        topic, consumer = env.filled(b"1")
        env.bus_of(consumer).close()
        with pytest.raises(BusClosedError):
            env.bus_of(consumer).subscribe(topic, "kit")
        with pytest.raises(BusClosedError):
            env.bus_of(consumer).producer()

    @needs("ack")
    def test_a_closed_consumer_settles_nothing(self, env: Environment) -> None:
        """It has given everything back: others have it, or will."""
        topic, consumer = env.filled(b"1")
        done = env.backdoor.topic()
        held = env.receive(consumer)
        consumer.close()
        with pytest.raises((BusClosedError, LeaseLostError)):
            consumer.settle(held, [Message(done, b"late")])
        assert env.backdoor.take(done) == []
        with pytest.raises((BusClosedError, LeaseLostError)):
            consumer.ack(held)
        assert bodies(env.receive(env.consumer(topic))) == [b"1"]

    def test_a_closed_bus_answers_nothing(self, env: Environment) -> None:
        """It would have to connect again."""
        topic, consumer = env.filled(b"1")
        bus = env.bus_of(consumer)
        bus.close()
        questions: list[tuple[str, Callable[[], object]]] = [
            ("depth", lambda: bus.depth(topic, "kit")),
            ("depth", lambda: bus.channels(topic)),
            ("topics", bus.topics),
            ("peek", lambda: bus.peek(topic, 1)),
            ("channels", lambda: bus.forget(topic, "kit")),
        ]
        for capability, question in questions:
            if getattr(bus.capabilities, capability):
                with pytest.raises(BusClosedError):
                    question()
        with pytest.raises(BusClosedError):
            bus.ping()
        with pytest.raises(BusClosedError):
            bus.prepare([topic])
        with pytest.raises(BusClosedError):
            consumer.settle([], [Message(topic, b"late")])

    def test_a_wake_after_close_is_no_error(self, env: Environment) -> None:
        """A task may finish while the launcher closes."""
        _, consumer = env.filled(b"1")
        consumer.close()
        consumer.wake()
        env.bus_of(consumer).close()
        consumer.wake()

    def test_another_thread_may_go_on(self, env: Environment) -> None:
        """One at a time: a launcher lends its bus to the thread of its slot."""
        _, consumer = env.filled(b"1", b"2", b"3")
        done = env.backdoor.topic()

        def work() -> bytes:
            (delivery,) = env.receive(consumer)
            consumer.settle([delivery], [Message(done, delivery.body)])
            return delivery.body

        came = sorted([work(), _elsewhere(work), _elsewhere(work)])
        assert came == sorted(env.backdoor.take(done)) == [b"1", b"2", b"3"]
        _elsewhere(env.bus_of(consumer).close)

    def test_closing_while_others_wake_is_safe(self, env: Environment) -> None:
        """They do not know."""
        _, consumer = env.filled(b"1")
        env.receive(consumer)
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
        env.bus_of(consumer).close()
        closed.set()
        for thread in threads:
            thread.join()
        assert failures == []


def _elsewhere(act: Callable[[], T]) -> T:
    """Do something in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()
