"""Rules about `receive`: how much, how soon, how late; and about `wake`."""

import threading
from time import monotonic

from task_core.api import Consumer
from task_testing.contract.backdoor import not_offered
from task_testing.contract.environment import LONG, Environment, bodies
from task_testing.contract.kit import SHARES, needs

TEN = [b"%d" % number for number in range(10)]
TOO_MANY = (
    "one was asked for at a time, and each acknowledged before the next: either _ack"
    " does not tell the broker, or _receive takes more than its limit"
)
SOON = 1.0
"""Seconds that a busy machine may need for what happens at once."""


class Receiving:
    """What `receive` and `wake` promise."""

    def test_receive_returns_at_most_limit_and_in_the_end_all(
        self, env: Environment
    ) -> None:
        """None is lost between two calls; no two are said to be at the same place."""
        _, consumer = env.filled(*TEN)
        found = env.receive(consumer, 10, limit=3)
        assert sorted(bodies(found)) == TEN
        places = [it.position for it in found if it.position is not None]
        assert len(set(map(str, places))) == len(places)

    def test_receive_returns_as_soon_as_there_is_one(self, env: Environment) -> None:
        """It does not wait for the limit, nor for its timeout."""
        topic, consumer = _waiting(env)
        since: list[float] = []

        def put() -> None:
            env.backdoor.put(topic, [b"now"])
            since.append(monotonic())

        timer = threading.Timer(0.3, put)
        timer.start()
        came = consumer.receive(10, _long(env))
        until = monotonic()
        timer.join()
        assert bodies(came) == [b"now"]
        assert until - since[0] < SOON

    def test_receive_is_never_late(self, env: Environment) -> None:
        """Nor early, when there is nothing and somebody may still write."""
        _, consumer = _waiting(env)
        for timeout in (0.0, 0.4):
            start = monotonic()
            assert list(consumer.receive(10, timeout)) == []
            assert timeout - 0.05 < monotonic() - start < timeout + SOON

    @needs("ack")
    def test_no_more_than_the_limit_leaves_the_broker(self, env: Environment) -> None:
        """What waits in a buffer could be done by another worker."""
        topic, consumer = env.filled(*TEN)
        held = 0
        for limit in (1, 1, 2):
            came = env.receive(consumer, limit, limit=limit)
            held += len(came)
            assert held <= env.backdoor.in_flight(topic, "kit") <= held
        assert held == 4

    @needs("ack")
    def test_what_was_settled_makes_room_for_no_more_than_the_limit(
        self, env: Environment
    ) -> None:
        """One task at a time means one message in flight."""
        topic, consumer = env.filled(*TEN)
        for _ in range(4):
            came = env.receive(consumer, 1)
            # an acknowledgement need not be awaited: the broker may count it later
            env.comes_true(lambda: env.backdoor.in_flight(topic, "kit") <= 1)
            assert env.backdoor.in_flight(topic, "kit") <= 1, TOO_MANY
            consumer.ack(came)
        env.comes_true(lambda: not env.backdoor.in_flight(topic, "kit"))
        assert not env.backdoor.in_flight(topic, "kit"), TOO_MANY

    def test_who_says_how_much_it_will_hold_gets_all_in_turn(
        self, env: Environment
    ) -> None:
        """A hint for brokers that push; it bounds what is held, not what comes."""
        topic = env.topic()
        env.backdoor.put(topic, TEN)
        consumer = env.open().subscribe(topic, "kit", prefetch=1)
        found: list[bytes] = []
        for _ in TEN:
            came = env.receive(consumer)
            found += bodies(came)
            env.done(consumer, came)
        assert sorted(found) == TEN

    @needs("ack", SHARES)
    def test_what_one_consumer_does_not_hold_another_gets(
        self, env: Environment
    ) -> None:
        """At once: a slow worker hoards nothing, whatever its client buffers."""
        topic, slow = env.filled(*TEN)
        held = env.receive(slow, 1, limit=1)
        rest = env.receive(env.consumer(topic), 9)
        assert sorted(bodies([*held, *rest])) == TEN

    @needs("lease")
    def test_what_comes_again_counts_towards_the_limit(self, env: Environment) -> None:
        """Leases that ended and fresh messages together are no more than it."""
        topic, silent = env.filled(*TEN[:5], lease=env.lease)
        env.receive(silent, 3, limit=3)
        threading.Event().wait(env.lease * 1.5)
        heir = env.consumer(topic, lease=LONG)
        found: list[bytes] = []
        deadline = monotonic() + env.patience
        while len(found) < 5 and monotonic() < deadline:
            found += bodies(env.look(heir, 4, deadline - monotonic()))
        assert sorted(found) == TEN[:5], env.lease_is_over

    @needs("bounded")
    def test_a_bounded_stream_ends_after_its_last_message(
        self, env: Environment
    ) -> None:
        """`exhausted` is false before and true after."""
        topic, consumer = env.filled(*TEN)
        assert not consumer.exhausted
        assert len(env.receive(consumer, 10)) == 10
        env.backdoor.end(topic)
        if not consumer.exhausted:  # the end is found by looking
            assert list(consumer.receive(1, env.patience)) == []
        assert consumer.exhausted
        assert list(consumer.receive(1, env.patience)) == []

    def test_a_stream_without_end_is_never_exhausted(self, env: Environment) -> None:
        """Only a bounded bus may say so."""
        if env.capabilities.bounded:
            not_offered("a stream without end")
        _, consumer = env.filled(b"1")
        assert not consumer.exhausted
        env.receive(consumer)
        assert not consumer.exhausted

    def test_a_wake_ends_the_wait(self, env: Environment) -> None:
        """From any thread, and without a message."""
        _, consumer = _waiting(env)
        timer = threading.Timer(0.3, consumer.wake)
        start = monotonic()
        timer.start()
        assert list(consumer.receive(1, _long(env))) == []
        timer.join()
        assert 0.25 < monotonic() - start < 0.3 + SOON

    def test_a_wake_before_the_wait_ends_it(self, env: Environment) -> None:
        """Otherwise the wake of a moment too early would be lost."""
        _, consumer = _waiting(env)
        consumer.wake()
        start = monotonic()
        assert list(consumer.receive(1, _long(env))) == []
        assert monotonic() - start < SOON

    def test_a_wake_costs_no_message(self, env: Environment) -> None:
        """What is there is delivered, then or at the next call."""
        _, consumer = env.filled(*TEN)
        found: list[bytes] = []
        deadline = monotonic() + env.patience
        while len(found) < 10 and monotonic() < deadline:
            for timeout in (0.0, 1.0):  # the first one may come back with nothing
                consumer.wake()
                consumer.wake()
                found += bodies(consumer.receive(1, timeout))
                found += bodies(consumer.receive(1, timeout))
        assert sorted(found) == TEN


def _long(env: Environment) -> float:
    """Return seconds that nobody can take for `SOON`, however short patience is."""
    return max(env.patience, 2 * SOON)


def _waiting(env: Environment) -> tuple[str, Consumer]:
    """Return a consumer that is at work, on a topic that is empty now."""
    topic, consumer = env.filled(b"warm up")
    env.done(consumer, env.receive(consumer))
    if not consumer.exhausted:
        assert env.quiet(consumer, 0.05) == []
    if consumer.exhausted:
        not_offered("waiting for more")
    return topic, consumer
