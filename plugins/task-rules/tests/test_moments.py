"""Rules of `moments`: offsets, durations, the hour of a task's meta."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_rules.moments import (
    hour_text,
    read_duration,
    read_length,
    read_offset,
    shifted,
)

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("firing", "hours", "moment"),
    [
        (datetime(2026, 3, 30, 0, 30, tzinfo=BERLIN), -24, "2026-03-29T00:30:00+01:00"),
        (datetime(2026, 3, 30, 2, 30, tzinfo=BERLIN), -24, "2026-03-29T03:30:00+02:00"),
        (datetime(2026, 3, 29, 3, 0, tzinfo=BERLIN), -1, "2026-03-29T01:00:00+01:00"),
        (datetime(2026, 10, 25, 23, tzinfo=BERLIN), -24, "2026-10-24T23:00:00+02:00"),
        (datetime(2026, 10, 26, 0, tzinfo=BERLIN), -25, "2026-10-24T23:00:00+02:00"),
        (datetime(2026, 10, 24, 12, tzinfo=BERLIN), 24, "2026-10-25T12:00:00+01:00"),
        (datetime(2026, 10, 25, 1, tzinfo=BERLIN), 3, "2026-10-25T03:00:00+01:00"),
    ],
)
def test_days_of_an_offset_are_those_of_the_calendar(firing, hours, moment):
    """`-24h` is yesterday at this time, `-1h` is an hour ago, also as clocks change."""
    firing = firing.astimezone(UTC)
    assert shifted(firing, timedelta(hours=hours), BERLIN).isoformat() == moment


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
)
def test_without_a_zone_an_offset_is_just_added(firing, offset):
    """In UTC no clock changes."""
    firing = firing.replace(tzinfo=UTC)
    assert shifted(firing, offset, UTC) == firing + offset


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2d", timedelta(days=2)),
        ("-1d12h", -timedelta(days=1, hours=12)),
        ("+1d", timedelta(days=1)),
        ("-24h", -timedelta(hours=24)),
        ("1h30m", timedelta(minutes=90)),
    ],
)
def test_durations_may_have_days(text, length):
    """A deadline of two days is no matter of arithmetic."""
    assert read_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "d", "1d-1h", "6hours", "-6hours", 24, "1h1d", "12"]
)
def test_what_is_no_duration_is_refused(text):
    """Never taken for none at all, as the Go system does."""
    with pytest.raises(ValueError, match="duration like|must be text|needs a unit"):
        read_duration(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2days", "is not a duration like 10s or 1h30m: 'ays' in '2days'"),
        ("2d 12", "is not a duration like 10s or 1h30m: ' 12' in '2d 12'"),
        ("2d12", "needs a unit, as in 2d12s or 2d12h: '2d12'"),
        ("30", "needs a unit, as in 30s or 30h: '30'"),
        ("-5", "needs a unit, as in -5s or -5h: '-5'"),
        ("+-5", "is not a duration like 10s or 1h30m: '+-5'"),
        ("²", "is not a duration like 10s or 1h30m: '²'"),
    ],
)
def test_what_is_refused_is_named_whole(text, told):
    """Nobody looks for `ays` in a file that says `2days`."""
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        read_duration(text)


def test_lengths_and_offsets_have_bounds():
    """No negative length, and no offset that leaves the calendar."""
    with pytest.raises(ValueError, match="must not be negative"):
        read_length("-1s")
    with pytest.raises(ValueError, match="more than a hundred years"):
        read_offset("99999d")


def test_the_hour_keeps_its_width():
    """Whatever the year."""
    assert hour_text(datetime(987, 6, 5, 4)) == "0987-06-05T04"


@pytest.mark.parametrize(
    ("read", "example"),
    [(read_length, "10s"), (read_duration, "-24h"), (read_offset, "-24h")],
)
def test_a_number_is_answered_with_what_would_do(read, example):
    """Who writes what the answer shows is not refused again."""
    told = f"must be text like {example!r}, not 10"
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        read(10)
    assert read(example)
