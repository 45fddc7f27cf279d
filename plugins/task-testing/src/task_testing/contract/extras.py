"""Rules about what some buses do besides: order, delay, headers, questions."""

import functools
from time import monotonic

import pytest

from task_core.api import PayloadError
from task_testing.contract.backdoor import not_offered
from task_testing.contract.environment import Environment, bodies
from task_testing.contract.kit import needs
from task_testing.contract.settling import DELAY, TICK

CENTURY = 100 * 365 * 24 * 3600.0
FIFTY = [b"%02d" % number for number in range(50)]


class Extras:
    """A declared capability is kept."""

    @needs("ordered")
    @pytest.mark.parametrize("limit", [1, 7, 50])
    def test_messages_come_in_the_order_of_sending(
        self, env: Environment, limit: int
    ) -> None:
        """To one consumer."""
        _, consumer = env.filled(*FIFTY)
        assert bodies(env.receive(consumer, 50, limit=limit)) == FIFTY

    @needs("ordered")
    def test_messages_are_written_in_the_order_of_sending(
        self, env: Environment
    ) -> None:
        """Within one send and from one to the next."""
        topic = env.backdoor.topic()
        env.send(topic, *FIFTY[:20])
        env.send(topic, *FIFTY[20:])
        assert env.backdoor.take(topic) == FIFTY

    @needs("delay")
    def test_a_delayed_message_comes_after_its_delay_and_not_before(
        self, env: Environment
    ) -> None:
        """Others pass it meanwhile."""
        topic, consumer = env.filled(b"warm up")
        env.done(consumer, env.receive(consumer))
        start = monotonic()
        env.send(topic, b"later", delay=DELAY)
        env.send(topic, b"now")
        now = env.receive(consumer)
        assert bodies(now) == [b"now"]
        env.done(consumer, now)
        assert bodies(env.receive(consumer)) == [b"later"]
        assert monotonic() - start >= DELAY - TICK

    @needs("delay")
    def test_the_longest_delay_is_taken_and_a_longer_one_refused(
        self, env: Environment
    ) -> None:
        """Before any I/O: what a worker asks for must stop no launcher."""
        topic, consumer = env.filled(b"1")
        env.send(topic, b"late", delay=env.capabilities.max_delay or CENTURY)
        with pytest.raises(PayloadError):
            env.send(topic, b"never", delay=1e15)
        assert bodies(env.receive(consumer)) == [b"1"]

    @needs("priority")
    def test_a_higher_priority_comes_first(self, env: Environment) -> None:
        """Whatever was sent before."""
        topic = env.topic()
        for body, priority in ((b"low", 0), (b"high", 9), (b"middle", 5)):
            env.send(topic, body, priority=priority)
        consumer = env.consumer(topic)
        assert bodies(env.receive(consumer, 3)) == [b"high", b"middle", b"low"]

    @needs("headers")
    def test_headers_come_as_they_were_sent(self, env: Environment) -> None:
        """Names, values, and having none."""
        topic, consumer = env.filled(b"warm up")
        env.done(consumer, env.receive(consumer))
        headers = {"trace": "00-4bf9-01", "Größe": "ü = & ; %", "empty": ""}
        env.send(topic, b"with", headers=headers)
        env.send(topic, b"without")
        came = {d.body: d.headers for d in env.receive(consumer, 2)}
        assert came[b"with"] == headers
        assert not came[b"without"]

    @needs("depth")
    def test_depth_tells_how_many_messages_wait(self, env: Environment) -> None:
        """All before the first receipt, and none when all are done."""
        topic, consumer = env.filled(b"1", b"2", b"3")
        depth = functools.partial(env.bus_of(consumer).depth, topic, "kit")
        assert env.comes_true(lambda: depth() == 3)
        assert env.bus.depth(env.backdoor.topic(), "nobody") == 0
        assert list(env.bus.channels(env.backdoor.topic())) == []
        if not env.capabilities.ack:
            return  # what it holds is nobody's business
        first = env.receive(consumer)
        # what is in hand counts where the broker cannot tell it from what waits
        assert env.comes_true(lambda: depth() in {2, 3})
        consumer.ack([*first, *env.receive(consumer, 2)])
        assert env.comes_true(lambda: depth() == 0)

    @needs("depth", "channels", "ack")
    def test_channels_tell_what_waits_and_what_is_held(self, env: Environment) -> None:
        """So that nobody takes work that was lost for work that is done."""
        topic, consumer = env.filled(b"1", b"2", b"3")
        env.consumer(topic, "second")
        held = env.receive(consumer, 2)
        names = [state.name for state in env.bus.channels(topic)]
        if not names:
            not_offered("listing channels")
        assert names == ["kit", "second"]

        def counts() -> tuple[int, int | None]:
            (state,) = (s for s in env.bus.channels(topic) if s.name == "kit")
            return state.waiting, state.held

        # what is in hand counts as waiting where the broker cannot tell it apart
        assert env.comes_true(lambda: counts() in {(1, 2), (1, None), (3, None)})
        consumer.ack([*held, *env.receive(consumer)])
        assert env.comes_true(lambda: counts() in {(0, 0), (0, None)})
        assert list(env.bus.channels(env.backdoor.topic())) == []

    @needs("topics")
    def test_topics_tell_their_names_sorted(self, env: Environment) -> None:
        """With those that nobody reads."""
        names = sorted(env.backdoor.topic() for _ in range(2))
        for name in reversed(names):
            env.send(name, b"1")
        assert env.comes_true(lambda: set(names) <= set(env.bus.topics()))
        told = list(env.bus.topics())
        assert told == sorted(told)

    @needs("peek")
    def test_peek_shows_and_takes_nothing(self, env: Environment) -> None:
        """The oldest first, no more than asked for."""
        topic, consumer = env.filled(b"1", b"2", b"3")
        assert list(env.bus.peek(topic, 2)) == [b"1", b"2"]
        assert list(env.bus.peek(topic, 9)) == [b"1", b"2", b"3"]
        assert bodies(env.receive(consumer, 3)) == [b"1", b"2", b"3"]

    def test_a_ping_of_a_broker_that_works_says_nothing(self, env: Environment) -> None:
        """`doctor --connect`."""
        env.bus.ping()
