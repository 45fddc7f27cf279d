"""Rules of the prefetch window, in simulated time: busy slots, and nothing hoarded."""

import pytest
from simulation import simulate

from task_core.api.capabilities import Capabilities
from task_core.launcher.in_flight import BUFFERED_SECONDS, WIDEST

COUNTING = Capabilities(
    ack=True, nack=True, lease=True, bounded=True, delay=True, attempts=True
)


def mixed(number):
    """Return mostly tiny tasks, and now and then one of each other length."""
    return (1e-3, 0.05, 10.0)[number // 50 % 3] if number % 50 == 0 else 1e-5


TASKS = pytest.mark.parametrize(
    ("count", "duration"),
    [
        (8_000, lambda number: 1e-5),
        (2_000, lambda number: 1e-3),
        (200, lambda number: 0.05),
        (40, lambda number: 10.0),
        (2_000, mixed),
    ],
    ids=["10us", "1ms", "50ms", "10s", "mixed"],
)
SLOTS = pytest.mark.parametrize("slots", [1, 4])


@TASKS
@SLOTS
def test_no_slot_is_idle_while_tasks_wait(count, duration, slots):
    """Calls on the bus take 200 µs; twenty tasks of 10 µs would be done in that time.

    Mixed tasks end with a few slots at the last long ones, and the others idle.
    """
    run = simulate(count, duration, concurrency=slots).work()
    assert sorted(run.bus.settled) == list(range(count))
    assert run.busy >= (0.7 if duration is mixed else 0.9)


@TASKS
@SLOTS
def test_what_waits_is_bounded(count, duration, slots):
    """By its number; and where tasks are alike, by the time until it has its turn."""
    run = simulate(count, duration, concurrency=slots).work()
    assert run.bus.most_held <= slots + WIDEST
    if duration is not mixed:
        assert run.slots.most_waiting_seconds <= slots * BUFFERED_SECONDS * 1.001


@SLOTS
def test_long_tasks_are_taken_one_for_each_slot(slots):
    """Another worker may have the next one."""
    run = simulate(40, lambda number: 10.0, concurrency=slots).work()
    assert run.bus.most_held == slots


@SLOTS
def test_nothing_is_received_behind_a_task_that_turns_out_to_be_long(slots):
    """Hundreds of tiny tasks have made the window wide: it shrinks at once."""

    def duration(number):
        return 1e-5 if number < 5_000 else 10.0

    run = simulate(5_050, duration, concurrency=slots).work()
    long = [at for at, _ in run.slots.began[5_000:]]
    received_between = [
        count for at, count in run.bus.receives if long[0] + 0.1 < at < long[-1]
    ]
    assert set(received_between) <= {*range(1, slots + 1)}


def test_a_window_that_is_set_is_kept():
    """Strict is strict, for tiny tasks as well."""
    for prefetch in (0, 3):
        run = simulate(500, lambda n: 1e-5, concurrency=2, prefetch=prefetch).work()
        assert run.bus.most_held == 2 + prefetch


def test_a_launcher_is_strict_until_nothing_is_suspicious():
    """It may be the successor of one that was killed: one, then two, then four."""
    run = simulate(2_000, lambda n: 1e-5, capabilities=COUNTING).work()
    counts = [count for _, count in run.bus.receives]
    assert counts[0] == 1
    assert all(count <= 2**at for at, count in enumerate(counts))
    assert run.bus.most_held > 100


def test_a_suspect_runs_alone_and_makes_the_launcher_strict():
    """Nothing else is held meanwhile, however wide the window was."""

    def attempt(number):
        return 3 if number == 1_000 else 1

    run = simulate(
        2_000,
        lambda number: 0.01 if number == 1_000 else 1e-5,
        capabilities=COUNTING,
        attempt=attempt,
        concurrency=4,
    ).work()
    assert sorted(set(run.bus.settled)) == list(range(2_000))
    began = {int(job.task.info): at for at, job in run.slots.began}
    alone = began[1_000]
    others = [at for number, at in began.items() if number != 1_000]
    assert not [at for at in others if alone <= at < alone + 0.01]
    after = [count for at, count in run.bus.receives if at > alone]
    assert after[0] == 1
