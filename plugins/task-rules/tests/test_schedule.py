"""Rules of `schedule`: when a rule fires."""

import re
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from cron_firings import (
    BERLIN,
    CAIRO,
    LORD_HOWE,
    MINUTE,
    NEW_YORK,
    firings,
    matches,
    utc,
)
from hypothesis import example, given
from hypothesis import strategies as st
from task_rules.schedule import (
    SHORTHANDS,
    latest,
    read_schedule,
    read_zone,
    split_zone,
)

ZONES = [UTC, BERLIN, NEW_YORK, LORD_HOWE, CAIRO, ZoneInfo("Asia/Kathmandu")]


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("0 5 * * *", utc(2026, 1, 1, 5), utc(2026, 1, 2, 5)),
        ("*/10 * * * * *", utc(2026, 1, 1, 0, 0, 10), utc(2026, 1, 1, 0, 0, 20)),
        ("15 30 2 * * *", utc(2026, 1, 1, 2, 30, 15), utc(2026, 1, 2, 2, 30, 15)),
        ("0 0 ? JAN-FEB MON", utc(2026, 1, 5), utc(2026, 1, 12)),
        ("0 0 1 feb ?", utc(2026, 2, 1), utc(2027, 2, 1)),
        ("0 0 * * 7", utc(2026, 1, 4), utc(2026, 1, 11)),
        ("0 0 L * *", utc(2026, 1, 31), utc(2026, 2, 28)),
        ("0 0 * * FRI#2", utc(2026, 1, 9), utc(2026, 2, 13)),
        ("@hourly", utc(2026, 1, 1, 1), utc(2026, 1, 1, 2)),
        ("@daily", utc(2026, 1, 2), utc(2026, 1, 3)),
        ("@midnight", utc(2026, 1, 2), utc(2026, 1, 3)),
        ("@weekly", utc(2026, 1, 4), utc(2026, 1, 11)),
        ("@monthly", utc(2026, 2, 1), utc(2026, 3, 1)),
        ("@yearly", utc(2027, 1, 1), utc(2028, 1, 1)),
        ("@annually", utc(2027, 1, 1), utc(2028, 1, 1)),
        ("@every 1h30m", utc(2026, 1, 1, 1, 30), utc(2026, 1, 1, 3)),
        ("@every  10s", utc(2026, 1, 1, 0, 0, 10), utc(2026, 1, 1, 0, 0, 20)),
    ],
)
def test_text_tells_when_to_fire(text, first, second):
    """Never at the moment that is asked for, always after it."""
    assert list(islice(firings(text, utc(2026, 1, 1)), 2)) == [first, second]


@pytest.mark.parametrize(
    ("text", "zone", "count"),
    [
        ("0 5 * * *", BERLIN, 365),
        ("30 2 * * *", BERLIN, 365),
        ("30 2 * * *", NEW_YORK, 365),
        ("15 30 2 * * *", BERLIN, 365),
        ("0,30 30 2 * * *", NEW_YORK, 2 * 365),
        ("*/15 * * * *", BERLIN, 4 * 24 * 365),
        ("@hourly", NEW_YORK, 24 * 365),
        ("@every 90m", UTC, 16 * 365),
        ("0 9 * * MON-FRI", BERLIN, 261),
        ("0 0 13 * FRI", UTC, 12 + 52 - 3),
        ("0 0 L * *", BERLIN, 12),
        ("0 0 29 2 *", UTC, 0),
        ("0 22 31 12 *", NEW_YORK, 1),
    ],
)
def test_a_year_has_its_firings(text, zone, count):
    """Each later than the one before; clocks change twice in it."""
    start = datetime(2026, 1, 1, tzinfo=zone).astimezone(UTC)
    end = datetime(2027, 1, 1, tzinfo=zone).astimezone(UTC)
    found = list(firings(text, start - timedelta(seconds=1), end, zone))
    assert len(found) == count
    assert all(one < other for one, other in pairwise(found))


def test_a_leap_day_comes_every_four_years():
    """But not in 2100."""
    found = islice(firings("0 0 29 2 *", utc(2088, 3, 1)), 3)
    assert [moment.year for moment in found] == [2092, 2096, 2104]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("30-30/5 4 * * *", [30]),
        ("10-10/3,50 4 * * *", [10, 50]),
        ("05-5/2 4 * * *", [5]),
        ("0-00/7 4 * * *", [0]),
        ("30/5 4 * * *", [30, 35, 40, 45, 50, 55]),
        ("*/60 4 * * *", [0]),
    ],
)
def test_a_range_of_one_value_is_one_value_whatever_its_step(text, minutes):
    """Only a value without a range goes on to the end of its field."""
    found = firings(text, utc(2026, 1, 1), utc(2026, 1, 2))
    assert [moment.minute for moment in found] == minutes


minutes = st.sampled_from(["*", "*/7", "0", "30", "5,50", "10-40/10"])
hours = st.sampled_from(["*", "*/3", "0", "1", "2", "1-3", "0,23"])
days = st.sampled_from(["*", "1", "L", "8-14", "*/2", "29", "25,29"])
months = st.sampled_from(["*", "3", "10-11", "FEB"])
weekdays = st.sampled_from(["*", "SUN", "1-5", "5L", "7"])
seconds = st.sampled_from(["", "0 ", "15 ", "*/20 ", "10,50 "])
texts = st.builds(
    lambda second, *fields: second + " ".join(fields),
    *(seconds, minutes, hours, days, months, weekdays),
)
moments = st.datetimes(
    datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=0))
near_changes = st.sampled_from(
    [utc(2026, 3, 29, 1), utc(2026, 10, 25, 1), utc(2026, 3, 8, 7), utc(2026, 11, 1, 6)]
).flatmap(
    lambda change: st.integers(-10_800, 10_800).map(
        lambda shift: change + timedelta(seconds=shift)
    )
)


@given(texts, st.sampled_from(ZONES), moments | near_changes, st.integers(0, 9000))
def test_the_next_firing_depends_on_nothing_but_the_time(text, zone, start, later):
    """Asked at any moment up to it, a schedule tells the same; so restarts are safe."""
    schedule = read_schedule(text, zone)
    first = schedule.after(start)
    assert first > start
    between = min(start + timedelta(seconds=later), first - timedelta(seconds=1))
    assert schedule.after(between) == first
    assert schedule.after(first) > first


@given(
    *(minutes, hours, st.sampled_from(["*", "1", "8-14", "29"])),
    st.sampled_from(["*", "3", "10-11"]),
    moments,
)
def test_every_minute_that_matches_fires_and_no_other(minute, hour, day, month, start):
    """Two days, minute by minute."""
    text = f"{minute} {hour} {day} {month} *"
    start = start.replace(second=0)
    every = [start + n * MINUTE for n in range(1, 2880)]
    expected = [
        moment
        for moment in every
        if matches(minute, moment.minute, 0, 59)
        and matches(hour, moment.hour, 0, 23)
        and matches(day, moment.day, 1, 31)
        and matches(month, moment.month, 1, 12)
    ]
    assert list(firings(text, start, every[-1] + MINUTE)) == expected


@given(texts, st.integers(0, 50_000), moments)
@example("* * * * *", 200_000, utc(2026, 3, 1))
def test_the_latest_firing_is_the_last_one_of_all(text, length, since):
    """However it is found."""
    schedule = read_schedule(text, BERLIN)
    now = since + timedelta(seconds=length)
    last = None
    for moment in firings(text, since, now + timedelta(seconds=1), BERLIN):
        last = moment
    assert latest(schedule, since, now) == last


def test_the_latest_of_a_year_of_seconds_is_found_at_once():
    """It looks back from the end, in steps."""
    schedule = read_schedule("* * * * * *", BERLIN)
    now = utc(2026, 6, 1)
    assert latest(schedule, utc(2025, 6, 1), now) == now


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("* * * *", "4 fields: there must be five"),
        ("1 2 3 4 5 6 7", "7 fields: there must be five"),
        ("61 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("60 * * * * *", "bad second"),
        ("0 0 32 * *", "bad day-of-month"),
        ("0 0 31 2 *", "bad day-of-month"),
        ("0 0 * FOO *", "bad month"),
        ("0 0 * * 8", "bad day-of-week"),
        ("? * * * *", "bad minute"),
        ("*/0 * * * *", "bad minute"),
        ("*/61 * * * *", "bad minute: there are no 61 to step over"),
        ("*/90 * * * * *", "bad second: there are no 90"),
        ("0 */25 * * *", "bad hour: there are no 25"),
        ("0 0 * * 1-5/8", "bad weekday: there are no 8"),
        ("5-1 * * * *", "bad minute"),
        ("15-5/10 * * * *", "bad minute"),
        ("0 23-3/2 * * *", "bad hour"),
        ("0 0 25-5/1 * *", "bad day-of-month"),
        ("0 0 * * ²L", "bad day-of-week"),
        ("@weekley", "no such shorthand: did you mean '@weekly'?"),
        ("@reboot", "no such shorthand"),
        ("@every", "not a duration"),
        ("@every 1d", "not a duration"),
        ("@every 500ms", "whole seconds"),
        ("@every 1.5s", "whole seconds"),
        ("@every -1h", "whole seconds"),
        ("@every 99999999h", "it never fires"),
    ],
)
def test_wrong_text_is_refused(text, problem):
    """With the reason."""
    with pytest.raises(ValueError, match=re.escape(problem)):
        read_schedule(text, UTC)


@given(st.text("0123456789*/,-?L#@ MONJAW\t") | st.text())
@example("")
@example("0 0 L/2 * *")
@example("0 0 * * 1#1/2")
def test_any_text_is_a_schedule_or_refused(text):
    """Nothing else happens."""
    try:
        schedule = read_schedule(text, BERLIN)
    except ValueError:
        return
    assert schedule.after(utc(2026, 1, 1)) is not None


@pytest.mark.parametrize(
    ("text", "zone", "rest"),
    [
        ("CRON_TZ=Europe/Berlin 0 5 * * *", "Europe/Berlin", "0 5 * * *"),
        (" TZ=UTC   @daily ", "UTC", "@daily"),
        ("0 5 * * *", None, "0 5 * * *"),
        ("TZ= 0 5 * * *", "", "0 5 * * *"),
    ],
)
def test_a_zone_may_stand_before_the_fields(text, zone, rest):
    """As the Go libraries for cron have it."""
    assert split_zone(text) == (zone, rest)


@pytest.mark.parametrize("name", ["Europe", "../etc/passwd", "", "Mars/Base", "a\0b"])
def test_what_is_no_zone_is_refused(name):
    """Whatever the library thinks of it."""
    with pytest.raises(ValueError, match="is no time zone"):
        read_zone(name)


def test_the_nearest_zone_is_named():
    """Most are misspelt."""
    with pytest.raises(ValueError, match="did you mean 'Europe/Berlin'"):
        read_zone("Europe/Berln")


@pytest.mark.parametrize("name", ["CEST", "PDT", "AEST", "EDT"])
def test_no_abbreviation_is_offered_for_another(name):
    """The nearest one is hours off: a name of a place is asked for."""
    with pytest.raises(ValueError, match="no time zone: write a name such as Europe/"):
        read_zone(name)


def test_shorthands_are_schedules():
    """Each of them, in each zone."""
    for text in SHORTHANDS:
        for zone in ZONES:
            assert read_schedule(text, zone).after(utc(2026, 1, 1))
