"""Rules about processes: many at once, and one that dies without good-bye."""

import contextlib
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from task_testing.contract.actor import Part, actors
from task_testing.contract.backdoor import not_offered
from task_testing.contract.kit import needs
from task_testing.contract.stage import LONG, Stage, bodies

THOUSAND = [b"%04d" % number for number in range(1000)]
SENDERS = 8
WORKERS = 4
STARTUP = 30.0
"""Seconds that a process may need on a busy machine until it tells something."""


class Crowds:
    """What holds within one process holds between many."""

    @needs("ack", "channels")
    def test_eight_senders_and_four_consumers_lose_nothing(self, stage: Stage) -> None:
        """1,000 sends: each message is done, and none that nobody sent."""
        topic, first = stage.filled(b"the channel is there")
        first.ack(stage.receive(first))
        first.close()
        sending = [
            _part(stage, "send", topic, bodies=tuple(THOUSAND[number::SENDERS]))
            for number in range(SENDERS)
        ]
        working = [_part(stage, "work", topic) for _ in range(WORKERS)]
        done: SimpleQueue[bytes] = SimpleQueue()
        sent: SimpleQueue[bytes] = SimpleQueue()
        with actors(done, *working) as workers, actors(sent, *sending) as senders:
            found = _until(THOUSAND, done, stage.patience)
            ends = [actor.end(stage.patience) for actor in (*senders, *workers)]
            assert ends == [0] * 12
        assert sorted(found) == THOUSAND
        assert {sent.get() for _ in range(2 * SENDERS)} == {b"sent", b""}

    @needs("ack", "channels")
    def test_what_a_killed_process_held_comes_again(self, stage: Stage) -> None:
        """Within about one lease, and nothing of the rest is held up."""
        topic = stage.backdoor.topic()
        stage.backdoor.put(topic, [b"1", b"2", b"3"])
        part = _part(stage, "hold", topic, count=2, lease=stage.lease)
        told: SimpleQueue[bytes] = SimpleQueue()
        with actors(told, part) as (holder,):
            held = {told.get(timeout=STARTUP) for _ in range(2)}
            assert held < {b"1", b"2", b"3"}
            holder.kill()
            heir = stage.consumer(topic, lease=stage.lease)
            came = stage.receive(heir, 3)
        assert sorted(set(bodies(came))) == [b"1", b"2", b"3"]

    @needs("atomic_settle", "channels")
    def test_a_settle_is_done_or_not_when_its_process_is_killed(
        self, stage: Stage
    ) -> None:
        """What it sent is there exactly when its delivery is acknowledged."""
        topic, done = stage.backdoor.topic(), stage.backdoor.topic()
        stage.send(done, b"it is there")
        stage.backdoor.put(topic, THOUSAND)
        told: SimpleQueue[bytes] = SimpleQueue()
        part = _part(stage, "settle", topic, done=done, lease=stage.lease)
        with actors(told, part) as (settler,):
            told.get(timeout=STARTUP)
            # Where sending is a step of its own, the other one is yet to come.
            assert stage.comes_true(lambda: len(stage.backdoor.take(done)) > 2)
            settler.kill()
        heir = stage.consumer(topic, lease=stage.lease)
        _, *sent = stage.backdoor.take(done)
        rest = stage.receive(heir, len(THOUSAND) - len(sent))
        heir.ack(rest)
        more = stage.quiet(heir, stage.lease * 1.2)
        assert sorted([*sent, *bodies(rest), *more]) == THOUSAND


def _until(
    wanted: list[bytes], told: SimpleQueue[bytes], patience: float
) -> set[bytes]:
    """Listen until all is told that is wanted, or nothing comes for a while."""
    found: set[bytes] = set()
    deadline = monotonic() + 10 * patience
    with contextlib.suppress(Empty):
        while not found.issuperset(wanted) and monotonic() < deadline:
            # twelve processes take a while to start
            found.add(told.get(timeout=patience if found else 3 * patience))
    return found


def _part(
    stage: Stage, act: str, topic: str, *, lease: float = LONG, **more: Any
) -> Part:
    if not stage.backdoor.shared:
        not_offered("other processes")
    return Part(
        plugin=stage.plugin,
        options=stage.options,
        context=stage.context(lease),
        act=act,
        topic=topic,
        **more,
    )
