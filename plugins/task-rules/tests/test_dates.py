"""Rules of `dates` and `info_dates`: ranges, and what a task is about."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_rules.dates import By, count_dates, dates, read_by, read_date
from task_rules.info_dates import info_time, path_time, task_time

BERLIN = ZoneInfo("Europe/Berlin")


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def days(start, end, by):
    return [f"{it:%m-%d}" for it in dates(read_date(start), read_date(end), by)]


def test_both_ends_of_a_range_are_in_it():
    """By hour, day and week."""
    hours = dates(utc(2026, 1, 1), utc(2026, 1, 1, 2), By.HOUR)
    assert [it.hour for it in hours] == [0, 1, 2]
    assert days("2026-01-01", "2026-01-03", By.DAY) == ["01-01", "01-02", "01-03"]
    assert days("2026-01-01", "2026-01-16", By.WEEK) == ["01-01", "01-08", "01-15"]
    assert days("2026-01-01", "2026-01-01", By.MONTH) == ["01-01"]


def test_a_range_backwards_begins_with_the_newest():
    """Its steps are those of the range forwards, as the Go system counts them."""
    assert days("2026-01-16", "2026-01-01", By.WEEK) == ["01-15", "01-08", "01-01"]


def test_months_keep_their_day_as_far_as_they_have_it():
    """Go skips from the 31st of January to the 3rd of March."""
    assert days("2026-01-31", "2026-05-31", By.MONTH) == [
        *("01-31", "02-28", "03-31", "04-30", "05-31"),
    ]
    assert days("2024-11-30", "2025-02-28", By.MONTH) == [
        *("11-30", "12-30", "01-30", "02-28"),
    ]


def test_days_of_a_range_are_those_of_the_calendar_and_hours_pass():
    """Where clocks change a day has 23 hours, and each of them is there."""
    start = datetime(2026, 3, 28, 5, tzinfo=BERLIN)
    found = dates(start, start + timedelta(days=2), By.DAY)
    assert [f"{it:%d %H %z}" for it in found] == [
        *("28 05 +0100", "29 05 +0200", "30 05 +0200"),
    ]
    night = datetime(2026, 3, 29, 0, tzinfo=BERLIN)
    hours = dates(night, night.replace(hour=4), By.HOUR)
    assert [it.hour for it in hours] == [0, 1, 3, 4]


def test_the_hour_that_comes_twice_is_there_twice():
    """As far as a range goes, forwards and backwards."""
    night = datetime(2026, 10, 25, 0, tzinfo=BERLIN)
    second = night.replace(hour=2, fold=1)

    def hours(start, end):
        return [f"{it:%H %z}" for it in dates(start, end, By.HOUR)]

    assert hours(night, night.replace(hour=2)) == ["00 +0200", "01 +0200", "02 +0200"]
    whole = ["00 +0200", "01 +0200", "02 +0200", "02 +0100"]
    assert hours(night, second) == whole
    assert hours(second, night) == whole[::-1]
    assert hours(second, night.replace(hour=2)) == ["02 +0100", "02 +0200"]
    assert hours(night.replace(hour=2), second) == ["02 +0200", "02 +0100"]
    assert len(dates(second, night.replace(hour=2), By.DAY)) == 1


@pytest.mark.parametrize(
    ("text", "zone"),
    [("0001-01-01T00:00:00+05:00", UTC), ("9999-12-31T23:00:00Z", BERLIN)],
)
def test_a_date_that_its_zone_leads_out_of_the_calendar_is_refused(text, zone):
    """As any other that is none."""
    with pytest.raises(ValueError, match=f"out of the calendar in {zone}: '{text[:4]}"):
        read_date(text, zone)


def test_a_range_that_begins_out_of_the_calendar_is_refused():
    """By hour it goes by UTC, where Berlin's first hour is before the first year."""
    first = datetime(1, 1, 1, tzinfo=BERLIN)
    assert len(dates(first, first + timedelta(days=1), By.DAY)) == 2
    with pytest.raises(ValueError, match="0001-01-01T00:00:00.* out of the calendar"):
        dates(first, first + timedelta(days=1), By.HOUR)
    last = datetime(9999, 12, 30, tzinfo=UTC)
    assert len(dates(last, last.replace(day=31), By.WEEK)) == 1


def test_a_range_may_have_a_limit():
    """Which is told, and not just reached."""
    assert len(dates(utc(2026, 1, 1), utc(2026, 1, 10), By.DAY, 10)) == 10
    with pytest.raises(
        ValueError, match="there are more than 10 dates from 2026-01-11"
    ):
        dates(utc(2026, 1, 11), utc(2026, 1, 1), By.DAY, 10)


@pytest.mark.parametrize("zone", [UTC, BERLIN])
@pytest.mark.parametrize("by", [*By])
def test_dates_are_counted_without_being_made(by, zone):
    """As many as there are, also where the clocks change."""
    start = datetime(2025, 1, 31, 5, tzinfo=zone)
    for hours in (0, 1, 671, 672, 1400, 2160, 7000, 9000):
        end = start + timedelta(hours=hours)
        assert count_dates(start, end, by) == len(dates(start, end, by))
        assert count_dates(end, start, by) == len(dates(end, start, by))


def test_a_range_with_a_limit_is_refused_before_it_is_made():
    """It would be 88 million dates."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    with pytest.raises(ValueError, match="there are more than 80000000 dates from"):
        dates(first, last, By.HOUR, 80_000_000)


def test_a_range_ends_with_the_calendar():
    """Nothing comes after the year 9999."""
    end = utc(9999, 12, 31, 23)
    assert len(dates(utc(9999, 12, 30, 23), end, By.DAY)) == 2
    assert len(dates(utc(9999, 11, 30, 23), end, By.MONTH)) == 2


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.sampled_from([By.DAY, By.WEEK, By.MONTH]),
)
def test_a_range_rises_within_its_ends(start, length, by):
    """And backwards it is the same one."""
    found = dates(start, start + length, by)
    assert count_dates(start, start + length, by) == len(found)
    assert found[0] == start
    assert found == sorted(set(found))
    assert found[-1] <= start + length
    assert dates(start + length, start, by)[::-1] == found


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", utc(2026, 1, 31)),
        ("2026-01-31T05", utc(2026, 1, 31, 5)),
        ("2026-01-31T05:30", utc(2026, 1, 31, 5, 30)),
        ("2026-01-31T05:30:10Z", utc(2026, 1, 31, 5, 30, 10)),
        ("2026-01-31T05:30:10+02:00", utc(2026, 1, 31, 3, 30, 10)),
    ],
)
def test_dates_are_read_as_people_write_them(text, moment):
    """Days, hours, and RFC 3339."""
    assert read_date(text) == moment


def test_a_date_without_a_zone_is_in_that_of_its_workflow():
    """And one with a zone gets there."""
    assert read_date("2026-01-31", BERLIN) == datetime(2026, 1, 31, tzinfo=BERLIN)
    assert read_date("2026-01-31T00:00:00Z", BERLIN).hour == 1


@pytest.mark.parametrize(
    "text", ["", "now", "2026-02-30", "2026-1-1", "20260131", "2026-01-31T5", "x"]
)
def test_a_bad_date_is_refused_and_never_now(text):
    """The Go system runs for now."""
    with pytest.raises(ValueError, match="is no date like 2026-01-31"):
        read_date(text)


def test_a_bad_unit_is_refused_and_never_a_day():
    """With the nearest that there is."""
    assert read_by("hourly") is By.HOUR
    assert read_by("month") is By.MONTH
    with pytest.raises(ValueError, match="is one of hour, day, week, month"):
        read_by("minute")
    with pytest.raises(ValueError, match="did you mean 'day'"):
        read_by("dayy")


@pytest.mark.parametrize(
    ("path", "moment"),
    [
        ("s3://b/20260131T051500.txt", utc(2026, 1, 31, 5, 15)),
        ("s3://b/2025/12/31/20260131T051500.txt", utc(2026, 1, 31, 5, 15)),
        ("path/2026/01/31/05/file.txt", utc(2026, 1, 31, 5)),
        ("path/2018/02/14/14.txt", utc(2018, 2, 14, 14)),
        ("path/2026/01/31/file.txt", utc(2026, 1, 31)),
        ("path/2026-01-31.txt", utc(2026, 1, 31)),
        ("path/2026/01/file.txt", utc(2026, 1, 1)),
        ("path/1234/56/2026/01/31/x", utc(2026, 1, 31)),
        ("path/file.txt", None),
        ("path/9999/99/x", None),
    ],
)
def test_a_path_tells_its_date(path, moment):
    """In the file's name first; what is no date in the calendar is passed over."""
    assert path_time(path) == moment


@pytest.mark.parametrize(
    ("info", "moment"),
    [
        ("?day=2026-01-31", utc(2026, 1, 31)),
        ("?date=2026-01-31T05", utc(2026, 1, 31, 5)),
        ("?time=2026-01-31T05:15:10Z", utc(2026, 1, 31, 5, 15, 10)),
        ("?map=hour_utc:2026-01-31T05|x:y", utc(2026, 1, 31, 5)),
        ("s3://b/date=2026-01-31/x.json", utc(2026, 1, 31)),
        ("s3://b/2026/01/31/x?update=2020-01-01", utc(2026, 1, 31)),
        ("?x=2026/01/31", None),
        ("", None),
    ],
)
def test_an_info_tells_its_date(info, moment):
    """Parameters count before the path; `update=` is none of them."""
    assert info_time(info) == moment


def test_the_meta_of_a_task_counts_first():
    """An hour that is none leaves the word to the info."""
    assert task_time({"cron": "2026-01-31T05"}, "?day=2020-01-01") == utc(
        2026, 1, 31, 5
    )
    assert task_time({"cron": "soon"}, "?day=2020-01-01") == utc(2020, 1, 1)
    assert task_time({}, "x") is None
