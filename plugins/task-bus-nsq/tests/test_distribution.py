"""How a limit is distributed over connections."""

from types import SimpleNamespace as Activity

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_bus_nsq.distribution import PROBE, distribute

NOW = 1000.0
activities = st.lists(
    st.builds(
        Activity,
        asked_at=st.floats(NOW - 10, NOW),
        is_busy=st.booleans(),
    ),
    min_size=1,
    max_size=9,
)


@given(limit=st.integers(0, 50), connections=activities)
def test_parts_never_sum_up_to_more_than_the_limit(limit, connections):
    parts = distribute(limit, connections, NOW)
    assert sum(parts) <= limit
    assert min(parts) >= 0
    assert len(parts) == len(connections)


@given(limit=st.integers(0, 50), connections=activities)
def test_a_limit_is_given_out_whole(limit, connections):
    assert sum(distribute(limit, connections, NOW)) == limit


@given(more=st.integers(0, 50), connections=activities)
def test_with_enough_for_all_nobody_gets_nothing(more, connections):
    assert min(distribute(len(connections) + more, connections, NOW)) >= 1


@given(connections=activities)
def test_busy_ones_share_what_quiet_ones_leave_evenly(connections):
    parts = distribute(100, connections, NOW)
    busy = [n for n, it in zip(parts, connections, strict=True) if it.is_busy]
    quiet = [n for n, it in zip(parts, connections, strict=True) if not it.is_busy]
    assert not busy or max(busy) - min(busy) <= 1
    assert not busy or all(n == 1 for n in quiet)


@given(limit=st.integers(1, 3), busy=st.lists(st.booleans(), min_size=2, max_size=8))
def test_with_too_little_for_all_each_has_its_turn(limit, busy):
    asked_at = [NOW] * len(busy)
    asked, now = set(), NOW
    for _ in range(len(busy) * 4):
        now += PROBE / len(busy)
        connections = [
            Activity(asked_at=at, is_busy=is_busy)
            for at, is_busy in zip(asked_at, busy, strict=True)
        ]
        for index, amount in enumerate(distribute(limit, connections, now)):
            if amount:
                asked.add(index)
                asked_at[index] = now
    assert asked == set(range(len(busy)))


@pytest.mark.parametrize("silence", [PROBE / 2, PROBE * 2])
def test_a_quiet_one_is_asked_before_busy_ones_only_when_it_is_due(silence):
    quiet = Activity(asked_at=NOW - silence, is_busy=False)
    busy = Activity(asked_at=NOW - PROBE / 4, is_busy=True)
    assert distribute(1, [quiet, busy], NOW) == ([1, 0] if silence > PROBE else [0, 1])
