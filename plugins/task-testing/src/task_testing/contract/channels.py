"""Rules about topics and channels: who gets what."""

from collections.abc import Sequence
from time import monotonic

from task_core.api.bus import Consumer
from task_testing.contract.backdoor import not_offered
from task_testing.contract.kit import needs
from task_testing.contract.stage import GLANCE, Stage, bodies

TWENTY = [b"%02d" % number for number in range(20)]


class Channels:
    """Every channel gets each message; consumers on one channel share them."""

    @needs("channels", "ack")
    def test_every_channel_gets_each_message(self, stage: Stage) -> None:
        """Once, and whatever other channels do."""
        topic = stage.backdoor.topic()
        readers = [stage.consumer(topic, name) for name in ("a", "b", "c")]
        for reader in readers:  # a channel is there when its consumer reads
            stage.quiet(reader, 0.2)
        stage.send(topic, *TWENTY)
        for reader in readers:
            came = stage.receive(reader, 20)
            assert sorted(bodies(came)) == TWENTY
            reader.ack(came)
            assert stage.quiet(reader) == []

    @needs("channels", "ack")
    def test_consumers_on_one_channel_share_its_messages(self, stage: Stage) -> None:
        """Each message goes to one of them, whoever came first."""
        topic, first = stage.filled(b"warm up")
        first.ack(stage.receive(first))
        readers = (first, stage.consumer(topic))
        found = _done_by(stage, readers, 0)
        assert found == []
        stage.backdoor.put(topic, TWENTY)
        found = _done_by(stage, readers, 20)
        assert sorted(found) == TWENTY

    @needs("channels")
    def test_the_first_channel_gets_what_was_sent_before_it(self, stage: Stage) -> None:
        """A taskmaster may be quicker than its workers."""
        _, consumer = stage.filled(*TWENTY)
        assert sorted(bodies(stage.receive(consumer, 20))) == TWENTY

    @needs("channels", "ack")
    def test_a_late_channel_gets_all_that_is_sent_from_then_on(
        self, stage: Stage
    ) -> None:
        """Of what was there before, all or nothing."""
        topic, early = stage.filled(b"old 1", b"old 2")
        early.ack(stage.receive(early, 2))
        late = stage.consumer(topic, "late")
        before = stage.quiet(late)
        if before:
            before = [*before, *bodies(stage.receive(late, 2 - len(before)))]
            assert sorted(before) == [b"old 1", b"old 2"]
        stage.send(topic, b"new 1", b"new 2")
        for consumer in (early, late):
            came = bodies(stage.receive(consumer, 2))
            assert sorted(came) == [b"new 1", b"new 2"]

    @needs("channels")
    def test_topics_do_not_see_each_other(self, stage: Stage) -> None:
        """Nor do channels of one name on two topics."""
        topic, consumer = stage.filled(b"mine")
        other, stranger = stage.filled(b"yours")
        if topic == other:
            not_offered("several topics")
        assert bodies(stage.receive(stranger)) == [b"yours"]
        assert bodies(stage.receive(consumer)) == [b"mine"]
        for reader in (stranger, consumer):
            assert stage.quiet(reader, 0.2) == []


def _done_by(stage: Stage, readers: Sequence[Consumer], count: int) -> list[bytes]:
    """Read in turn and acknowledge until so many are done, and nothing follows."""
    found: list[bytes] = []
    deadline = monotonic() + stage.patience
    while len(found) < count and monotonic() < deadline:
        for reader in readers:
            came = reader.receive(2, GLANCE)
            reader.ack(came)
            found += bodies(came)
    for reader in readers:
        found += stage.quiet(reader, 0.3)
    return found
