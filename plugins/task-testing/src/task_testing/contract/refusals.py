"""Rules about what is not declared: it is refused, before anything happens."""

from collections.abc import Callable, Iterable

import pytest

from task_core.api import (
    Bus,
    Consumer,
    Delivery,
    Message,
    UnsupportedCapabilityError,
)
from task_testing.contract.backdoor import not_offered
from task_testing.contract.environment import Environment

CALLS: dict[str, Callable[[Consumer, list[Delivery]], object]] = {
    "ack": lambda consumer, held: consumer.ack(held),
    "nack": lambda consumer, held: consumer.nack(held),
    "nack_delay": lambda consumer, held: consumer.nack(held, 1.0),
    "lease": lambda consumer, held: consumer.extend(held),
}
QUESTIONS: dict[str, Callable[[Bus, str], object]] = {
    "depth": lambda bus, topic: bus.depth(topic, "kit"),
    "topics": lambda bus, topic: bus.topics(),
    "peek": lambda bus, topic: bus.peek(topic, 1),
    "channels": lambda bus, topic: bus.forget(topic, "kit"),
    "outbox": lambda bus, topic: bus.producer().send_within(
        [Message(topic, b"1")], None
    ),
}
WISHES = {"delay": 1.0, "priority": 3, "headers": {"a": "b"}}


class Refusals:
    """Undeclared is unsupported: a declaration cannot lie in either direction."""

    def test_undeclared_calls_are_refused(self, env: Environment) -> None:
        """With an error of their own, never in silence."""
        names = _undeclared(env, CALLS)
        _, consumer = env.filled(b"1")
        held = env.receive(consumer)
        for name in names:
            refusal = name.removesuffix("_delay")  # without nack, that is what it lacks
            with pytest.raises(UnsupportedCapabilityError, match=refusal):
                CALLS[name](consumer, held)

    def test_undeclared_questions_are_refused(self, env: Environment) -> None:
        """No bus guesses."""
        for name in _undeclared(env, QUESTIONS):
            with pytest.raises(UnsupportedCapabilityError, match=name):
                QUESTIONS[name](env.bus, env.backdoor.topic())

    def test_undeclared_wishes_are_refused(self, env: Environment) -> None:
        """And nothing of that send leaves."""
        for name in _undeclared(env, WISHES):
            topic = env.backdoor.topic()
            before = env.backdoor.take(topic)
            odd = Message(topic, b"2")
            setattr(odd, name, WISHES[name])
            with pytest.raises(UnsupportedCapabilityError, match=name):
                env.bus.producer().send([Message(topic, b"1"), odd])
            assert env.backdoor.take(topic) == before


def _undeclared(env: Environment, names: Iterable[str]) -> list[str]:
    found = [name for name in names if not getattr(env.capabilities, name)]
    return found or not_offered("refusing: everything is declared")
