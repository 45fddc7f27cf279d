"""Rules about leases: a silent consumer loses what it holds, a busy one keeps it."""

import contextlib
from time import monotonic

import pytest

from task_core.api.message import Message
from task_core.errors import LeaseLostError
from task_testing.contract.kit import needs
from task_testing.contract.settling import TICK
from task_testing.contract.stage import Stage, bodies


class Leases:
    """What is neither settled nor extended comes again."""

    @needs("lease")
    def test_a_lease_that_ends_brings_the_message_to_another(
        self, stage: Stage
    ) -> None:
        """Not before its end."""
        topic, silent = stage.filled(b"1", lease=stage.lease)
        start = monotonic()
        assert bodies(stage.receive(silent)) == [b"1"]
        heir = stage.consumer(topic, lease=stage.lease)
        assert bodies(stage.receive(heir)) == [b"1"]
        assert monotonic() - start >= stage.lease * 0.9 - TICK

    @needs("lease", "attempts")
    def test_a_lease_that_ends_counts_as_an_attempt(self, stage: Stage) -> None:
        """A message that kills its workers is recognised by it."""
        topic, silent = stage.filled(b"1", lease=stage.lease)
        stage.receive(silent)
        heir = stage.consumer(topic, lease=stage.lease)
        assert [d.attempt for d in stage.receive(heir)] == [2]

    @needs("lease")
    def test_extending_keeps_a_delivery(self, stage: Stage) -> None:
        """For as long as a task takes."""
        topic, busy = stage.filled(b"1", lease=stage.lease)
        other = stage.consumer(topic, lease=stage.lease)
        held = stage.receive(busy)
        for _ in range(6):
            assert stage.quiet(other, stage.lease / 3) == []
            busy.extend(held)
        busy.ack(held)
        assert stage.quiet(other, stage.lease * 1.5) == []

    @needs("lease")
    def test_who_lost_a_lease_settles_nothing(self, stage: Stage) -> None:
        """He is told which, sends nothing, and the new holder keeps it."""
        topic, late = stage.filled(b"1", lease=stage.lease)
        done = stage.backdoor.topic()
        lost = stage.receive(late)
        heir = stage.consumer(topic, lease=stage.lease)
        held = stage.receive(heir)
        assert bodies(held) == [b"1"]
        with pytest.raises(LeaseLostError) as caught:
            late.settle(lost, [Message(done, b"late")])
        assert [id(d) for d in caught.value.deliveries] == [id(d) for d in lost]
        assert stage.backdoor.take(done) == []
        heir.settle(held, [Message(done, b"in time")])
        assert stage.backdoor.take(done) == [b"in time"]
        assert stage.quiet(heir, stage.lease * 1.5) == []

    @needs("lease")
    def test_a_lost_lease_does_not_hinder_the_rest(self, stage: Stage) -> None:
        """Settled again without it, the others are done."""
        topic, late = stage.filled(b"1", lease=stage.lease)
        lost = stage.receive(late)
        heir = stage.consumer(topic, lease=stage.lease)
        held = stage.receive(heir)
        stage.backdoor.put(topic, [b"2"])
        fresh = stage.receive(late)
        assert bodies(fresh) == [b"2"]
        with pytest.raises(LeaseLostError):
            late.ack([*lost, *fresh])
        late.ack(fresh)
        heir.ack(held)
        assert stage.quiet(heir, stage.lease * 1.5) == []

    @needs("lease", "nack")
    def test_giving_back_what_others_have_changes_nothing(self, stage: Stage) -> None:
        """It stays with the new holder; being told of it is allowed."""
        topic, late = stage.filled(b"1", lease=stage.lease)
        lost = stage.receive(late)
        heir = stage.consumer(topic, lease=stage.lease)
        held = stage.receive(heir)
        for late_call in (late.nack, late.extend):
            with contextlib.suppress(LeaseLostError):
                late_call(lost)
        assert stage.quiet(late, 0.3) == []
        heir.ack(held)
