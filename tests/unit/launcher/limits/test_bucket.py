"""Rules of `--rate`: no more than that, evenly, and nothing held that may not run."""

from bisect import bisect_left

import pytest
from simulation import simulate
from task_testing import FakeClock

from task_core.launcher.limits.bucket import BURST, Bucket
from task_core.launcher.plan import Plan, parse_rate


@pytest.mark.parametrize(
    ("text", "rate"), [("10/s", 10), ("90/m", 1.5), ("36/h", 0.01), ("0.5/s", 0.5)]
)
def test_a_rate_has_a_unit(text, rate):
    """Per second, minute or hour."""
    assert parse_rate(text) == pytest.approx(rate)
    assert Plan(rate=text).rate == parse_rate(text)


@pytest.mark.parametrize("text", ["10", "0/s", "-1/s", "10/d", "/s", "1e3/s", ""])
def test_what_is_no_rate_is_refused_with_an_example(text):
    """A number alone says nothing of its unit."""
    with pytest.raises(ValueError, match="not a rate like 10/s"):
        parse_rate(text)


def test_tokens_come_one_by_one_at_a_slow_rate():
    """A minute's tasks do not all run in its first second."""
    clock = FakeClock(0)
    bucket = Bucket(6 / 60, clock)
    assert bucket.look() == (1, 0.0)
    bucket.take(1)
    assert bucket.look() == (0, pytest.approx(10))
    clock.advance(9)
    assert bucket.look() == (0, pytest.approx(1))
    clock.advance(1)
    assert bucket.look() == (1, 0.0)
    clock.advance(3600)
    assert bucket.look() == (1, 0.0)


def test_a_quick_rate_is_looked_at_a_few_times_a_burst():
    """Not for each task: that would keep a core busy."""
    clock = FakeClock(0)
    bucket = Bucket(10_000, clock)
    assert bucket.look() == (10_000 * BURST, 0.0)
    bucket.take(1000)
    count, wait = bucket.look()
    assert (count, wait) == (0, pytest.approx(BURST / 4))


def within(moments, seconds):
    """Return the most of some moments that lie within so many seconds."""
    return max(bisect_left(moments, at + seconds) - n for n, at in enumerate(moments))


@pytest.mark.parametrize("rate", [2, 50, 2_000])
@pytest.mark.parametrize("slots", [1, 4])
def test_no_second_sees_more_than_the_rate_and_a_burst(rate, slots):
    """However short the tasks; and on average it is the rate."""
    count = rate * 4
    run = simulate(count, lambda n: 1e-4, rate=rate, concurrency=slots).work()
    burst = max(1, rate * BURST)
    assert within(run.began, 1.0) <= rate + burst
    assert run.began[-1] - run.began[0] == pytest.approx(4, rel=0.15)


def test_what_may_not_run_yet_stays_on_the_bus():
    """A wide prefetch does not change that, nor a long task that all wait for."""
    run = simulate(
        40, lambda n: 3.0 if n == 5 else 1e-4, rate=10.0, concurrency=1, prefetch=100
    ).work()
    assert run.bus.most_held <= 2
    assert within(run.began, 1.0) <= 11


def test_a_bus_without_a_count_is_not_empty_because_nobody_asks(
    rig, memory, make_tasks
):
    """`--drain` ends when nothing comes, not when nothing may be taken."""
    memory.put(*make_tasks(1, 2, 3))
    bus = memory.open()
    made = rig(lambda info: None, bus, drain=True, rate="1/s")
    made.start().join()
    assert made.stats.done == 3
