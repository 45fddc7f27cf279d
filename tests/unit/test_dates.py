"""Rules of `task_core.dates`."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_core.dates import parse_date

OFFSETS = st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(
    datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS | st.just(UTC)
)


@given(MOMENTS)
def test_any_moment_reads_back_in_utc(moment):
    """Whatever its offset and fraction."""
    parsed = parse_date(moment.isoformat())
    assert parsed == moment
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2017-01-01T00:00:01Z", "2017-01-01T00:00:01+00:00"),
        ("2017-01-01t00:00:01z", "2017-01-01T00:00:01+00:00"),
        ("2017-01-01T00:00:01-00:00", "2017-01-01T00:00:01+00:00"),
        ("2017-01-01T01:00:01+01:00", "2017-01-01T00:00:01+00:00"),
        ("2016-12-31T18:30:01-05:30", "2017-01-01T00:00:01+00:00"),
        ("2017-01-01T00:00:01.5Z", "2017-01-01T00:00:01.500000+00:00"),
        ("2017-01-01T00:00:01.1234567899Z", "2017-01-01T00:00:01.123456+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00"),
        ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_rfc_3339_is_read(text, moment):
    """Fractions, offsets, small letters, leap seconds, both ends of the calendar."""
    assert parse_date(text).isoformat() == moment


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+01:00"]
)
def test_a_moment_outside_of_the_calendar_keeps_its_offset(text):
    """UTC would be a day that `datetime` does not have."""
    assert parse_date(text).isoformat() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017-01-01",
        "2017-01-01T00:00:01",
        "2017-01-01 00:00:01Z",
        "2017-01-01T00:00Z",
        "2017-01-01T00:00:01.Z",
        "2017-01-01T00:00:01+01",
        "2017-01-01T00:00:01+24:00",
        "2017-02-29T00:00:00Z",
        "2017-01-01T24:00:00Z",
        "2017-01-01T00:00:61Z",
        "2017-W01-1T00:00:01Z",
        "20170101T000001Z",
        "0000-01-01T00:00:00Z",
        "2017-01-01T00:00:01Z ",
        "٢٠١٧-01-01T00:00:01Z",
    ],
)
def test_nothing_else_is_read(text):
    """Also not what `datetime.fromisoformat` would take."""
    with pytest.raises(ValueError, match="^not an RFC 3339 date: "):
        parse_date(text)


@given(st.text(max_size=200))
def test_a_complaint_is_one_short_line(text):
    """Whatever is given; hypothesis finds no date by chance."""
    with pytest.raises(ValueError, match="^not an RFC 3339 date: ") as caught:
        parse_date(text)
    assert len(str(caught.value)) < 100
    assert str(caught.value).isprintable()
