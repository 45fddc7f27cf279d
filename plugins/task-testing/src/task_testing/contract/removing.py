"""Rules about what goes: temporary channels, and what is to be forgotten."""

import threading

from task_core.api import BusError, Consumer
from task_testing.contract.backdoor import not_offered
from task_testing.contract.environment import SETTLED, Environment, bodies
from task_testing.contract.kit import needs

THREE = [b"1", b"2", b"3"]


class Removing:
    """Looking leaves nothing behind, and what was deleted keeps no messages."""

    @needs("channels")
    def test_a_temporary_channel_gets_what_is_sent_and_takes_nothing(
        self, env: Environment
    ) -> None:
        """Who looks hinders nobody who works, and sees what comes while he waits."""
        topic, worker = env.filled(b"warm up")
        first = env.receive(worker)
        if env.capabilities.ack:
            worker.ack(first)
        looking = env.consumer(topic, "look", temporary=True)
        _skip_past(env, looking)
        for body in THREE:
            timer = threading.Timer(SETTLED, env.backdoor.put, [topic, [body]])
            timer.start()
            seen = env.receive(looking)
            timer.join()
            assert bodies(seen) == [body]
            if env.capabilities.ack:
                looking.ack(seen)
        env.bus_of(looking).close()
        env.backdoor.put(topic, [b"4"])
        assert sorted(bodies(env.receive(worker, 4))) == [*THREE, b"4"]

    @needs("channels")
    def test_looking_takes_nothing_from_the_first_channel(
        self, env: Environment
    ) -> None:
        """What waits for a worker that is to come waits on, whoever looks before."""
        if env.forgets:
            not_offered("keeping what is sent before there is a channel")
        topic = env.topic()
        env.backdoor.put(topic, [b"1"])
        for name in ("look-1", "look-2"):
            try:
                looking = env.consumer(topic, name, temporary=True)
            except BusError:
                if env.bus.looking_takes:  # it must not look, and says so
                    continue
                raise
            _skip_past(env, looking)  # which it may see, or not
            env.bus_of(looking).close()
        found = env.receive(env.consumer(topic), about="look at `temporary`")
        assert bodies(found) == [b"1"]

    @needs("channels")
    def test_a_temporary_channel_goes_with_its_reader(self, env: Environment) -> None:
        """Otherwise everything that is sent would be kept for nobody, for ever."""
        topic, worker = env.filled(b"1")
        env.receive(worker)
        if "kit" not in env.channels(topic):
            not_offered("listing channels")
        kept = env.channels(topic)
        closing = env.consumer(topic, "look-1", temporary=True)
        left_open = env.consumer(topic, "look-2", temporary=True)
        for looking in (closing, left_open):
            env.quiet(looking, SETTLED)
        closing.close()
        assert env.comes_true(lambda: "look-1" not in env.channels(topic))
        env.bus_of(left_open).close()
        assert env.comes_true(lambda: env.channels(topic) == kept)

    @needs("channels")
    def test_a_channel_that_is_deleted_goes_and_others_stay(
        self, env: Environment
    ) -> None:
        """With all that waits on it."""
        topic, worker = env.filled(b"1")
        leaving = env.consumer(topic, "leaving")
        _skip_past(env, leaving)
        leaving.close()
        env.backdoor.put(topic, [b"2"])
        env.bus.forget(topic, "leaving")
        if "kit" in env.channels(topic):
            assert env.comes_true(lambda: "leaving" not in env.channels(topic))
        if env.capabilities.depth:
            # where all is kept for whoever comes, that is what a new one would see
            assert env.comes_true(
                lambda: (
                    env.bus.depth(topic, "leaving") in {0, env.bus.depth(topic, "new")}
                )
            )
        env.backdoor.put(topic, [b"3"])
        assert sorted(bodies(env.receive(worker, 3))) == [b"1", b"2", b"3"]

    @needs("channels", "topics")
    def test_a_topic_that_is_deleted_goes_and_others_stay(
        self, env: Environment
    ) -> None:
        """With its channels and messages."""
        gone, there = (env.filled(body)[0] for body in (b"1", b"2"))
        if gone == there:
            not_offered("several topics")
        env.bus.forget(gone)
        assert env.comes_true(lambda: gone not in env.bus.topics())
        assert there in env.bus.topics()

    @needs("channels")
    def test_deleting_what_is_not_there_is_no_error(self, env: Environment) -> None:
        """Somebody was quicker."""
        topic, _ = env.filled(b"1")
        env.bus.forget(topic, "nobody")
        env.bus.forget(env.backdoor.topic(), "nobody")
        env.bus.forget(env.backdoor.topic())


def _skip_past(env: Environment, consumer: Consumer) -> None:
    """Read and acknowledge what a late channel is given of the past."""
    while came := consumer.receive(10, 2 * SETTLED):
        if env.capabilities.ack:
            consumer.ack(came)
