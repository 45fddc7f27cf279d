"""Progress is kept: what is done is skipped, what is open is never lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_bus_kafka.ledger import Ledger
from task_bus_kafka.marks import LIMIT, Mark, Run, read_mark, runs_of

STATES = st.lists(st.sampled_from(["done", "held", "waiting"]), max_size=60)


def ledger_of(states, start=100, gap=1):
    """Return a partition whose messages have come to these states."""
    ledger = Ledger(Mark(start, start))
    for number, state in enumerate(states):
        lease = ledger.add(start + number * gap, b"", None)
        if state != "waiting":
            ledger.hand_out(lease)
        if state == "done":
            ledger.finish(lease)
    return ledger


def kept(mark):
    """Return the mark as the next consumer finds it."""
    return read_mark(mark.offset, mark.text)


@given(STATES, st.integers(1, 3))
def test_the_next_consumer_gets_exactly_what_is_open(states, gap):
    mark = kept(ledger_of(states, gap=gap).mark())
    heir = Ledger(mark)
    got = {
        offset
        for number in range(len(states))
        if (offset := 100 + number * gap) >= mark.offset and heir.add(offset, b"", None)
    }
    still = {100 + n * gap for n, state in enumerate(states) if state != "done"}
    assert got == still


@given(STATES)
def test_nothing_that_is_open_is_before_the_offset(states):
    mark = ledger_of(states).mark()
    still = [100 + n for n, state in enumerate(states) if state != "done"]
    assert mark.offset == min(still, default=100 + len(states))


@given(STATES)
def test_what_was_handed_out_and_not_done_counts_as_a_receipt(states):
    mark = kept(ledger_of(states).mark())
    heir = Ledger(mark)
    for number, state in enumerate(states):
        lease = 100 + number >= mark.offset and heir.add(100 + number, b"", None)
        if state == "held":
            assert lease.receipts == 1
        if state == "waiting":
            assert lease.receipts == 0


@given(STATES, st.integers(0, 60))
def test_what_an_heir_has_not_read_yet_stays_as_it_was(states, read):
    before = kept(ledger_of(states).mark())
    heir = Ledger(before)
    offsets = range(before.offset, min(before.offset + read, 100 + len(states)))
    leases = [heir.add(offset, b"", None) for offset in offsets]
    for lease in filter(None, leases):
        heir.hand_out(lease)
        heir.finish(lease)
    after = kept(heir.mark())
    for number, state in enumerate(states):
        offset = 100 + number
        done = state == "done" or offset in offsets
        seen = offset >= after.offset and after.receipts(offset) is not None
        assert seen is not done


@given(STATES, st.data())
def test_a_mark_that_counts_some_as_done_is_that_of_later(states, data):
    ledger = ledger_of(states)
    held = [lease for lease in ledger.open.values() if lease.receipts]
    chosen = set(data.draw(st.lists(st.sampled_from(held)))) if held else set()
    expected = ledger.mark(chosen)
    for lease in chosen:
        ledger.finish(lease)
    assert ledger.mark() == expected


@given(st.lists(st.integers(1, 9), min_size=1_000, max_size=3_000))
def test_a_mark_that_is_too_long_repeats_and_never_loses(gaps):
    offsets, at = [], 0
    for gap in gaps:
        at += gap
        offsets.append(at)
    runs = runs_of((offset, 1 + offset % 3) for offset in offsets)
    whole = Mark(offsets[0], at + 1, runs)
    assert len(whole.text) <= LIMIT
    cut = kept(whole)
    assert all(cut.receipts(offset) is not None for offset in offsets)


@pytest.mark.parametrize(
    "text", ["", "checkpoint 7", "t1", "t1 x", "t2 3 0", "t1 3 0 "]
)
def test_a_text_of_somebody_else_says_nothing(text):
    assert read_mark(7, text) == Mark(7, 7)


def test_a_mark_says_how_many_are_done_beyond_it():
    mark = Mark(10, 20, (Run(10, 10, 1), Run(15, 16, 2)))
    assert kept(mark) == mark
    assert mark.done_beyond == 7


def test_a_topic_that_was_made_anew_is_behind():
    ledger = ledger_of(["done"] * 3)
    assert ledger.is_behind(0)
    assert not ledger.is_behind(103)
