"""Rules about topics and channels: who gets what."""

from collections.abc import Sequence
from time import monotonic

from task_core.api import Consumer
from task_testing.contract.backdoor import not_offered
from task_testing.contract.environment import GLANCE, Environment, bodies
from task_testing.contract.kit import SHARES, needs

TWENTY = [b"%02d" % number for number in range(20)]


class Channels:
    """Every channel gets each message; consumers on one channel share them."""

    @needs("channels")
    def test_every_channel_gets_each_message(self, env: Environment) -> None:
        """Once, and whatever other channels do."""
        topic = env.backdoor.topic()
        readers = [env.consumer(topic, name) for name in ("a", "b", "c")]
        for reader in readers:  # a channel is there when its consumer reads
            env.quiet(reader, 0.2)
        env.send(topic, *TWENTY)
        for reader in readers:
            came = env.receive(reader, 20)
            assert sorted(bodies(came)) == TWENTY
            env.done(reader, came)
            assert env.quiet(reader) == []

    @needs("ack", SHARES)
    def test_consumers_on_one_channel_share_its_messages(
        self, env: Environment
    ) -> None:
        """Each message goes to one of them, whoever came first."""
        topic, first = env.filled(b"warm up")
        first.ack(env.receive(first))
        readers = (first, env.consumer(topic))
        found = _done_by(env, readers, 0)
        assert found == []
        env.backdoor.put(topic, TWENTY)
        found = _done_by(env, readers, 20)
        assert sorted(found) == TWENTY

    @needs("retains")
    def test_the_first_channel_gets_what_was_sent_before_it(
        self, env: Environment
    ) -> None:
        """A taskmaster may be quicker than its workers."""
        _, consumer = env.filled(*TWENTY)
        assert sorted(bodies(env.receive(consumer, 20))) == TWENTY

    @needs("channels")
    def test_a_late_channel_gets_all_that_is_sent_from_then_on(
        self, env: Environment
    ) -> None:
        """Of what was there before, all or nothing."""
        topic, early = env.filled(b"old 1", b"old 2")
        env.done(early, env.receive(early, 2))
        late = env.consumer(topic, "late")
        before = env.quiet(late)
        if before:
            before = [*before, *bodies(env.receive(late, 2 - len(before)))]
            assert sorted(before) == [b"old 1", b"old 2"]
        env.send(topic, b"new 1", b"new 2")
        for consumer in (early, late):
            came = bodies(env.receive(consumer, 2))
            assert sorted(came) == [b"new 1", b"new 2"]

    @needs("channels")
    def test_topics_do_not_see_each_other(self, env: Environment) -> None:
        """Nor do channels of one name on two topics."""
        topic, consumer = env.filled(b"mine")
        other, stranger = env.filled(b"yours")
        if topic == other:
            not_offered("several topics")
        assert bodies(env.receive(stranger)) == [b"yours"]
        assert bodies(env.receive(consumer)) == [b"mine"]
        for reader in (stranger, consumer):
            assert env.quiet(reader, 0.2) == []


def _done_by(env: Environment, readers: Sequence[Consumer], count: int) -> list[bytes]:
    """Read in turn and acknowledge until so many are done, and nothing follows."""
    found: list[bytes] = []
    deadline = monotonic() + env.patience
    while len(found) < count and monotonic() < deadline:
        for reader in readers:
            came = reader.receive(2, GLANCE)
            reader.ack(came)
            found += bodies(came)
    for reader in readers:
        found += env.quiet(reader, 0.3)
    return found
