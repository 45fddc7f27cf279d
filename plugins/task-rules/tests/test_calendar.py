"""Rules of `calendar`: when something fires where clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cron_firings import (
    BERLIN,
    CAIRO,
    LORD_HOWE,
    MINUTE,
    NEW_YORK,
    firings,
    local,
    matches,
    utc,
)
from task_rules.schedule import read_schedule


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("30 2 * * *", ["03:00:00+0200"]),
        ("15 30 2 * * *", ["03:00:15+0200"]),
        ("0,30 2 * * *", ["03:00:00+0200"]),
        ("0 2,3 * * *", ["03:00:00+0200"]),
        ("59 1 * * *", ["01:59:00+0100"]),
        ("0 1-4 * * *", ["01:00:00+0100", "03:00:00+0200", "04:00:00+0200"]),
    ],
)
def test_a_fixed_time_in_the_gap_of_spring_fires_at_its_end(text, times):
    """Berlin, 2026-03-29: 02:00 to 03:00 does not exist."""
    assert local(text, BERLIN, (2026, 3, 29)) == times


def test_steps_pass_over_the_gap_of_spring():
    """New York, 2026-03-08: 02:00 to 03:00 does not exist; 23 hours in all."""
    assert len(local("*/30 * * * *", NEW_YORK, (2026, 3, 8))) == 46
    assert local("*/30 1-3 * * *", NEW_YORK, (2026, 3, 8)) == [
        *("01:00:00-0500", "01:30:00-0500", "03:00:00-0400", "03:30:00-0400")
    ]


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("30 1 * * *", ["01:30:00-0400"]),
        ("15 30 1 * * *", ["01:30:15-0400"]),
        ("0 1,2 * * *", ["01:00:00-0400", "02:00:00-0500"]),
    ],
)
def test_a_fixed_time_in_the_hour_that_comes_twice_fires_once(text, times):
    """New York, 2026-11-01: 01:00 to 02:00 comes twice; the first time counts."""
    assert local(text, NEW_YORK, (2026, 11, 1)) == times


def test_steps_fire_in_both_hours_of_autumn():
    """Berlin, 2026-10-25: 02:00 to 03:00 comes twice; 25 hours in all."""
    assert len(local("@hourly", BERLIN, (2026, 10, 25))) == 25
    assert local("*/30 2 * * *", BERLIN, (2026, 10, 25)) == [
        *("02:00:00+0200", "02:30:00+0200", "02:00:00+0100", "02:30:00+0100")
    ]


def shown(zone, text, start, hours):
    """Say in another way which minutes fire: by looking at each that really passes."""
    minute, hour, day, month, _ = text.split()
    found = []
    for number in range(hours * 60):
        local = (start + number * MINUTE).astimezone(zone)
        if (
            matches(minute, local.minute, 0, 59)
            and matches(hour, local.hour, 0, 23)
            and matches(day, local.day, 1, 31)
            and matches(month, local.month, 1, 12)
        ):
            found.append(start + number * MINUTE)
    return found


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Australia/Lord_Howe", utc(2026, 10, 3, 15, 30)),  # half an hour forward
        ("Australia/Lord_Howe", utc(2026, 4, 4, 15)),  # half an hour back
        ("Africa/Cairo", utc(2026, 4, 23, 22)),  # no midnight
        ("America/Havana", utc(2026, 3, 8, 5)),  # no midnight
        ("America/Havana", utc(2026, 11, 1, 5)),  # midnight twice
        ("America/St_Johns", utc(2010, 11, 7, 2, 31)),  # back into the day before
        ("Europe/Berlin", utc(2026, 3, 29, 1)),
        ("Pacific/Apia", utc(2011, 12, 30, 10)),  # a day that never was
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        *("0 * * * *", "*/30 * * * *", "*/20 0 * * *", "0 */2 * * *", "0 */3 * * *"),
        *("45 */1 * * *", "*/7 1-3 * * *", "* 0 24 4 *", "*/30 2,23 * * *"),
        "15 * 8 3 *",
    ],
)
def test_passing_time_is_read_off_the_clock_wherever_it_changes(zone, change, text):
    """Each minute that the clock shows, no other, however it jumps."""
    zone = ZoneInfo(zone)
    start = change - timedelta(hours=30)
    end = start + timedelta(hours=60)
    found = list(firings(text, start - MINUTE, end, zone))
    assert found == shown(zone, text, start, 60)


@pytest.mark.parametrize(
    ("text", "day", "times"),
    [
        ("15 2 * * *", (2026, 10, 4), ["02:30:00+1100"]),
        ("0,15 2 * * *", (2026, 10, 4), ["02:30:00+1100"]),
        ("45 1 * * *", (2026, 4, 5), ["01:45:00+1100"]),
    ],
)
def test_a_fixed_time_fires_once_where_clocks_change_by_half_an_hour(text, day, times):
    """Lord Howe."""
    assert local(text, LORD_HOWE, day) == times


@pytest.mark.parametrize("text", ["0 0 * * *", "30 0 * * *", "0 0,1 * * *"])
def test_a_fixed_time_fires_once_on_a_day_without_midnight(text):
    """Cairo, 2026-04-24 begins at 01:00."""
    begin = utc(2026, 4, 23, 22)
    assert list(firings(text, begin - MINUTE, begin + 12 * 60 * MINUTE, CAIRO)) == [
        begin
    ]


def test_nothing_is_told_that_is_over():
    """Who begins in the second of two equal hours hears of the next day."""
    schedule = read_schedule("30 2 * * *", BERLIN)
    second = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=BERLIN).astimezone(UTC)
    assert schedule.after(second) == utc(2026, 10, 26, 1, 30)
