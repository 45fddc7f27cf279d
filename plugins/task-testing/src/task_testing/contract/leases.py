"""Rules about leases: a silent consumer loses what it holds, a busy one keeps it."""

import contextlib
from time import monotonic

import pytest

from task_core.api import Consumer, LeaseLostError, Message
from task_testing.contract.environment import CAME_AGAIN, Environment, bodies
from task_testing.contract.kit import needs
from task_testing.contract.settling import TICK


class Leases:
    """What is neither settled nor extended comes again."""

    @needs("lease")
    def test_a_lease_that_ends_brings_the_message_to_another(
        self, env: Environment
    ) -> None:
        """Not before its end."""
        topic, silent = env.filled(b"1", lease=env.lease)
        start = monotonic()
        assert bodies(env.receive(silent)) == [b"1"]
        heir = env.consumer(topic, lease=env.lease)
        assert bodies(env.receive(heir, about=env.lease_is_over)) == [b"1"]
        assert monotonic() - start >= env.lease * 0.9 - TICK

    @needs("lease", "attempts")
    def test_a_lease_that_ends_counts_as_an_attempt(self, env: Environment) -> None:
        """Nobody gave it back: a message that kills its workers is known by that."""
        topic, silent = env.filled(b"1", lease=env.lease)
        env.receive(silent)
        heir = env.consumer(topic, lease=env.lease)
        (again,) = env.receive(heir, about=env.lease_is_over)
        assert (again.attempt, again.returned) == (2, 0)
        assert 0 <= again.unsure <= 1  # whether it has killed may be unknown

    @needs("lease")
    def test_extending_keeps_a_delivery(self, env: Environment) -> None:
        """For as long as a task takes."""
        topic, busy = env.filled(b"1", lease=env.lease)
        other = env.consumer(topic, lease=env.lease)
        held = env.receive(busy)
        for _ in range(6):
            others = env.quiet(other, env.lease / 3)
            assert others == [], "what was extended came again: look at _extend"
            busy.extend(held)
        busy.ack(held)
        assert env.quiet(other, env.lease * 1.5) == [], CAME_AGAIN

    @needs("lease")
    def test_extending_one_does_not_extend_others(self, env: Environment) -> None:
        """A task that hangs does not hide behind those that go on."""
        _, busy = env.filled(b"goes on", b"hangs", lease=env.lease)
        kept = [it for it in env.receive(busy, 2) if it.body == b"goes on"]
        came: list[bytes] = []
        deadline = monotonic() + env.patience
        while b"hangs" not in came and monotonic() < deadline:
            with contextlib.suppress(LeaseLostError):  # of a machine that stood still
                busy.extend(kept)
            came += env.quiet(busy, env.lease / 5)
        assert b"hangs" in came, env.lease_is_over

    @needs("lease")
    def test_who_lost_a_lease_settles_nothing(self, env: Environment) -> None:
        """He is told which, sends nothing, and the new holder keeps it."""
        topic, late = env.filled(b"1", lease=env.lease)
        done = env.backdoor.topic()
        lost = env.receive(late)
        heir = env.consumer(topic, lease=env.lease)
        held = env.receive(heir, about=env.lease_is_over)
        assert bodies(held) == [b"1"]
        with pytest.raises(LeaseLostError) as caught:
            late.settle(lost, [Message(done, b"late")])
        assert [id(d) for d in caught.value.deliveries] == [id(d) for d in lost]
        assert env.backdoor.take(done) == [], _why_late(env, late)
        heir.settle(held, [Message(done, b"in time")])
        assert env.backdoor.take(done) == [b"in time"]
        assert env.quiet(heir, env.lease * 1.5) == [], CAME_AGAIN

    @needs("lease")
    def test_a_lost_lease_does_not_hinder_the_rest(self, env: Environment) -> None:
        """Settled again without it, the others are done."""
        topic, late = env.filled(b"1", lease=env.lease)
        lost = env.receive(late)
        heir = env.consumer(topic, lease=env.lease)
        held = env.receive(heir, about=env.lease_is_over)
        env.backdoor.put(topic, [b"2"])
        fresh = env.receive(late)
        assert bodies(fresh) == [b"2"]
        with pytest.raises(LeaseLostError):
            late.ack([*lost, *fresh])
        late.ack(fresh)
        heir.ack(held)
        assert env.quiet(heir, env.lease * 1.5) == [], CAME_AGAIN

    @needs("lease", "nack")
    def test_giving_back_what_others_have_changes_nothing(
        self, env: Environment
    ) -> None:
        """It stays with the new holder; being told of it is allowed."""
        topic, late = env.filled(b"1", lease=env.lease)
        lost = env.receive(late)
        heir = env.consumer(topic, lease=env.lease)
        held = env.receive(heir, about=env.lease_is_over)
        for late_call in (late.nack, late.extend):
            with contextlib.suppress(LeaseLostError):
                late_call(lost)
        assert env.quiet(late, env.lease / 3) == []  # its lease still lasts
        heir.ack(held)


def _why_late(env: Environment, late: Consumer) -> str:
    """Tell what may have sent the results of somebody whose lease was over."""
    if late.knows_lost:
        return (
            "a late result was sent: with 'knows_lost = True' a consumer has a _settle"
            " of its own, which looks which leases are lost before it sends"
        )
    if (lease := env.bus_of(late).lease) != env.lease:
        return (
            f"a late result was sent: the base reckons with a lease of {lease:g} s, not"
            f" with the {env.lease:g} s of context.lease; pass that on:"
            " super().__init__(name, capabilities, lease=context.lease)"
        )
    return "a late result was sent: look at _settle"
