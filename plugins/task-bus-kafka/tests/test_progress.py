"""Progress is kept: what is done is skipped, what is open is never lost."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_bus_kafka import partition as partition_module
from task_bus_kafka.partition import Partition
from task_bus_kafka.progress import LIMIT, Progress, Run, read_progress, runs_of

STATES = st.lists(st.sampled_from(["done", "held", "waiting"]), max_size=60)


def partition_of(states, start=100, gap=1, caution=0.0):
    """Return a partition whose messages have come to these states."""
    partition = Partition(Progress(start, start), caution)
    for number, state in enumerate(states):
        message = partition.add(start + number * gap, b"", None)
        if state != "waiting":
            partition.hand_out(message)
        if state == "done":
            partition.finish(message)
    return partition


def kept(progress):
    """Return the progress as the next consumer finds it."""
    return read_progress(progress.offset, progress.text)


@given(STATES, st.integers(1, 3))
def test_the_next_consumer_gets_exactly_what_is_open(states, gap):
    progress = kept(partition_of(states, gap=gap).progress())
    heir = Partition(progress)
    got = {
        offset
        for number in range(len(states))
        if (offset := 100 + number * gap) >= progress.offset
        and heir.add(offset, b"", None)
    }
    still = {100 + n * gap for n, state in enumerate(states) if state != "done"}
    assert got == still


@given(STATES)
def test_nothing_that_is_open_is_before_the_offset(states):
    progress = partition_of(states).progress()
    still = [100 + n for n, state in enumerate(states) if state != "done"]
    assert progress.offset == min(still, default=100 + len(states))


@given(STATES)
def test_what_was_handed_out_and_not_done_counts_as_a_receipt(states):
    progress = kept(partition_of(states).progress())
    heir = Partition(progress)
    for number, state in enumerate(states):
        message = 100 + number >= progress.offset and heir.add(100 + number, b"", None)
        if state == "held":
            assert message.receipts == 1
        if state == "waiting":
            assert message.receipts == 0


@given(STATES, st.integers(0, 60))
def test_what_an_heir_has_not_read_yet_stays_as_it_was(states, read):
    before = kept(partition_of(states).progress())
    heir = Partition(before)
    offsets = range(before.offset, min(before.offset + read, 100 + len(states)))
    messages = [heir.add(offset, b"", None) for offset in offsets]
    for message in filter(None, messages):
        heir.hand_out(message)
        heir.finish(message)
    after = kept(heir.progress())
    for number, state in enumerate(states):
        offset = 100 + number
        done = state == "done" or offset in offsets
        seen = offset >= after.offset and after.run_of(offset) is not None
        assert seen is not done


@given(STATES, st.data())
def test_a_mark_that_counts_some_as_done_is_that_of_later(states, data):
    partition = partition_of(states)
    held = [message for message in partition.open.values() if message.receipts]
    chosen = set(data.draw(st.lists(st.sampled_from(held)))) if held else set()
    expected = partition.progress(chosen)
    for message in chosen:
        partition.finish(message)
    assert partition.progress() == expected


@given(st.lists(st.integers(1, 9), min_size=10, max_size=30))
def test_a_mark_that_is_too_long_repeats_and_never_loses(gaps):
    offsets, at = [], 0
    for gap in gaps * 100:
        at += gap
        offsets.append(at)
    runs = runs_of(
        Run(offset, offset, 1 + offset % 3, offset % 2) for offset in offsets
    )
    whole = Progress(offsets[0], at + 1, runs)
    assert len(whole.text) <= LIMIT
    cut = kept(whole)
    assert all(cut.run_of(offset) is not None for offset in offsets)


@pytest.mark.parametrize(
    "text", ["", "checkpoint 7", "t1", "t1 x", "t2 3 0", "t1 3 0 "]
)
def test_a_text_of_somebody_else_says_nothing(text):
    assert read_progress(7, text) == Progress(7, 7)


@given(STATES)
def test_progress_tells_whether_who_wrote_it_left_or_may_have_died(states):
    partition = partition_of(states, caution=1.0)
    assert kept(partition.progress()).at_work
    assert not kept(partition.progress(leaving=True)).at_work
    assert not kept(partition_of(states).progress()).at_work
    assert kept(partition.progress()).runs == partition.progress().runs


def test_after_a_death_each_step_counts_until_past_what_was_in_work(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(partition_module, "monotonic", lambda: now[0])
    before = Progress(0, 2, (Run(0, 1, 1),), at_work=True)
    partition = Partition(before, caution=1.0)
    first, second, third = (partition.add(offset, b"", None) for offset in range(3))
    partition.hand_out(first)
    now[0] += 2
    assert partition.is_suspect(), "one is in work"
    partition.finish(first)
    assert partition.is_suspect(), "whatever came just after it may be the one"
    partition.hand_out(second)
    second = second.renew(returned=True)
    now[0] += 2
    partition.hand_out(third)
    assert not partition.is_suspect()


def test_what_was_given_back_is_told_from_what_a_dead_owner_held():
    partition = Partition(Progress(0, 0))
    held, given_back, too_long = (partition.add(at, b"", None) for at in range(3))
    for message in (held, given_back, too_long):
        partition.hand_out(message)
        message.ends = time.monotonic() + 60
    given_back.renew(returned=True)
    too_long.renew(returned=False)
    died, left = (
        kept(partition.progress(leaving=leaving)) for leaving in (False, True)
    )
    assert [run.returned for run in map(died.run_of, range(3))] == [0, 1, 0]
    assert [run.returned for run in map(left.run_of, range(3))] == [1, 1, 0]
    heir = Partition(left)
    assert (heir.add(0, b"", None).receipts, heir.add(1, b"", None).returned) == (1, 1)


def test_after_an_owner_that_left_no_step_counts():
    assert not Partition(Progress(0, 2, (Run(0, 1, 1),)), caution=9.0).is_suspect()


def test_a_mark_says_how_many_are_done_beyond_it():
    progress = Progress(10, 20, (Run(10, 10, 1), Run(15, 16, 2)))
    assert kept(progress) == progress
    assert progress.done_beyond == 7


def test_a_topic_that_was_made_anew_is_behind():
    partition = partition_of(["done"] * 3)
    assert partition.is_behind(0)
    assert not partition.is_behind(103)
