"""Rules about processes: many at once, and one that dies without good-bye."""

import contextlib
from collections import Counter
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

import pytest

from task_core.api import (
    Consumer,
    LeaseLostError,
    Task,
    dead_topic,
    decode_dead,
    decode_task,
    encode_task,
)
from task_testing.child import DEAD, KILLER, NEVER, READY, SENT, Job, children
from task_testing.contract.backdoor import not_offered
from task_testing.contract.environment import GLANCE, LONG, Environment, bodies
from task_testing.contract.kit import SHARES, needs

THOUSAND = [b"%04d" % number for number in range(1000)]
BACKLOG = THOUSAND[:700]
"""More than a client reads ahead."""
SENDERS = 8
WORKERS = 4
SLOTS = 2
CUTS = [(number + 0.5) / 6 for number in range(6)]
"""At which parts of a settle processes die."""
MOST_DEATHS = 15
"""Of two tasks that kill, each with five attempts, and what they take along."""
STARTUP = 180.0
"""Seconds that a process may need on a busy machine until it tells something."""
HANGS = f"in {STARTUP:g} s: what a dead one held neither comes again nor is dead"


class Processes:
    """What holds within one process holds between many."""

    @needs("ack", SHARES)
    def test_eight_senders_and_four_consumers_lose_nothing(
        self, env: Environment
    ) -> None:
        """1,000 sends: each message is done, and none that nobody sent.

        Where consumers come and go, a broker may deal anew: some come twice, not all.
        """
        topic, first = env.filled(b"the channel is there")
        first.ack(env.receive(first))
        first.close()
        sending = [
            _job(env, "send", topic, bodies=tuple(THOUSAND[number::SENDERS]))
            for number in range(SENDERS)
        ]
        working = [_job(env, "work", topic) for _ in range(WORKERS)]
        done: SimpleQueue[bytes] = SimpleQueue()
        sent: SimpleQueue[bytes] = SimpleQueue()
        with children(done, *working) as workers, children(sent, *sending) as senders:
            # Only when all have begun does it tell anything that nothing comes.
            confirmed = _until([SENT] * SENDERS, sent, STARTUP)
            found = _until([READY] * WORKERS, done, STARTUP)
            found = _until(THOUSAND, done, env.patience, found)
            ends = [child.end(STARTUP) for child in (*senders, *workers)]
            assert ends == [0] * 12
        found = [line for line in found if line != READY]
        assert sorted(set(found)) == THOUSAND
        twice = len(_rest(found, done)) - len(THOUSAND)
        assert twice <= len(THOUSAND) // 10, f"{twice} came more than once"
        assert Counter(_rest(confirmed, sent)) == {SENT: SENDERS}

    @needs("ack")
    def test_what_a_killed_process_held_comes_again(self, env: Environment) -> None:
        """Within about one lease, and nothing of the rest is held up."""
        topic = env.topic()
        env.backdoor.put(topic, [b"1", b"2", b"3"])
        job = _job(env, "hold", topic, count=2, lease=env.lease)
        told: SimpleQueue[bytes] = SimpleQueue()
        with children(told, job) as (holder,):
            held = {told.get(timeout=STARTUP) for _ in range(2)}
            assert held < {b"1", b"2", b"3"}
            holder.kill()
            heir = env.consumer(topic, lease=env.lease)
            came = env.receive_all(heir, [b"1", b"2", b"3"])
        assert set(came) == {b"1", b"2", b"3"}

    @needs("ack", SHARES)
    def test_one_that_joins_and_is_killed_takes_nothing_along(
        self, env: Environment
    ) -> None:
        """Who was there before, with a backlog at hand, gets all of it in the end."""
        topic = env.topic(wide=True)
        env.backdoor.put(topic, BACKLOG)
        # long enough for a slow machine, and brokers are asked soon for what is over
        first = env.consumer(topic, lease=4 * env.lease)
        came = env.receive(first, 50, limit=50)
        first.ack(came)
        found = bodies(came)
        told: SimpleQueue[bytes] = SimpleQueue()
        job = _job(env, "hold", topic, lease=env.lease)
        with children(told, job) as (holder,):
            held = _done_meanwhile(env, first, told, STARTUP, found)
            assert held, "who joined got nothing: look at wide_topic of the backdoor"
            _done_meanwhile(env, first, told, env.lease * 0.7, found)
            holder.kill()
            env.receive_all(first, {*BACKLOG}.difference(found))

    @needs("attempts")
    def test_what_kills_its_worker_is_put_aside_and_nothing_else(
        self, env: Environment
    ) -> None:
        """Two that kill: every other task is done, and none of them dead."""
        topic, done = env.topic(), env.backdoor.topic()
        innocent = {f"innocent {number}" for number in range(30)}
        killers = {f"{KILLER} 1", f"{KILLER} 2"}
        names = sorted(innocent)
        for place, killer in zip((3, 20), killers, strict=True):
            names.insert(place, killer)
        tasks = [encode_task(Task.new("work", name)) for name in names]
        env.backdoor.put(topic, tasks)
        told: SimpleQueue[bytes] = SimpleQueue()
        deaths = _launch_to_the_end(env, topic, done, told)
        lost = [decode_dead(body) for body in env.backdoor.take(dead_topic(topic))]
        assert sorted(decode_task(one.original).info for one in lost) == sorted(killers)
        came = [decode_task(body).info for body in env.backdoor.take(done)]
        assert set(came) == innocent
        runs = [one for one in _rest([], told) if not one.startswith(KILLER.encode())]
        assert len(runs) <= len(innocent) + deaths * SLOTS

    @needs("atomic_settle")
    def test_a_settle_is_done_or_not_when_its_process_is_killed(
        self, env: Environment
    ) -> None:
        """What it sent is there exactly when its delivery is acknowledged.

        Each dies at another part of a settle: where that is several steps, somebody
        does so between them.
        """
        count = len(CUTS)
        topics = {env.topic(): THOUSAND[n : 20 * count : count] for n in range(count)}
        done = env.backdoor.topic()
        env.send(done, b"it is there")
        for topic, part in topics.items():
            env.backdoor.put(topic, part)
        told: SimpleQueue[bytes] = SimpleQueue()
        jobs = [
            _job(env, "settle", topic, done=done, lease=env.lease, cut=cut)
            for topic, cut in zip(topics, CUTS, strict=True)
        ]
        with children(told, *jobs) as settlers:
            _until([READY] * count, told, STARTUP)
            # one after the other: what waits for others is in no step at all
            ends = [child.end(STARTUP) for child in settlers]
            assert ends == [DEAD] * count
        heirs = [env.consumer(topic, lease=env.lease) for topic in topics]
        _, *sent = env.backdoor.take(done)
        rest: list[bytes] = []
        for heir, part in zip(heirs, topics.values(), strict=True):
            rest += env.receive_all(heir, {*part}.difference(sent))
        rest += env.quiet(heirs[0], env.lease * 1.2)
        for heir in heirs[1:]:  # their leases are over as well
            rest += env.quiet(heir, GLANCE)
        assert sorted([*sent, *{*rest}]) == THOUSAND[: 20 * count]


def _launch_to_the_end(
    env: Environment, topic: str, done: str, told: SimpleQueue[bytes]
) -> int:
    """Launch a worker, and again when it dies; return how often it did."""
    job = _job(env, "launch", topic, done=done, count=SLOTS, lease=env.lease)
    for deaths in range(MOST_DEATHS):
        with children(told, job) as (launcher,):
            if (status := launcher.end(STARTUP)) == 0:
                return deaths
            assert status != NEVER, f"a launcher did not come to its end {HANGS}"
            assert status == DEAD, f"a launcher ended with {status}: see stderr"
    pytest.fail(f"{MOST_DEATHS} workers died, and it goes on")


def _done_meanwhile(
    env: Environment,
    consumer: Consumer,
    told: SimpleQueue[bytes],
    seconds: float,
    found: list[bytes],
) -> bytes:
    """Do a task now and then until something is told, and return it.

    Args:
        env, consumer, told: Who does tasks, and what is listened to.
        seconds: How long at most; then nothing is returned.
        found: Gets what was done.
    """
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        came = env.look(consumer, 1, 0)
        with contextlib.suppress(LeaseLostError):  # what moved to the other comes again
            consumer.ack(came)
            found += bodies(came)
        with contextlib.suppress(Empty):
            return told.get(timeout=GLANCE)
    return b""


def _until(
    wanted: list[bytes],
    told: SimpleQueue[bytes],
    patience: float,
    found: Iterable[bytes] = (),
) -> list[bytes]:
    """Listen until all is told that is wanted, or nothing comes for a while.

    Args:
        wanted: What is to be told, as often as it is in there.
        told: What is listened to.
        patience: Seconds from one line to the next.
        found: What was told before.
    """
    heard = list(found)
    missing = Counter(wanted) - Counter(heard)
    with contextlib.suppress(Empty):
        while missing:
            heard.append(told.get(timeout=patience))
            missing -= Counter(heard[-1:])
    return heard


def _rest(found: list[bytes], told: SimpleQueue[bytes]) -> list[bytes]:
    """Return all that was told, without the empty lines of processes that are gone."""
    while not told.empty():
        found.append(told.get())
    return [line for line in found if line]


def _job(
    env: Environment, act: str, topic: str, *, lease: float = LONG, **more: Any
) -> Job:
    if not env.backdoor.shared:
        not_offered("other processes")
    return Job(
        plugin=env.plugin,
        options=env.options,
        context=env.context(lease),
        act=act,
        topic=topic,
        **more,
    )
