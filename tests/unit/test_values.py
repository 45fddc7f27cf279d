"""Rules of `task_core.values`."""

import enum
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_core.values import (
    LONGEST_WAIT,
    format_duration,
    parse_bool,
    parse_duration,
    parse_size,
    parse_wait,
    reader,
    write,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "wire"


class Colour(enum.StrEnum):
    """Any enum."""

    RED = "red"
    BLUE = "blue"


class Size(enum.Enum):
    """An enum whose values are no text."""

    SMALL = 1
    LARGE = 2


def load(name):
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def nanoseconds(duration):
    return duration // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize("case", load("durations.json"), ids=lambda case: case["text"])
def test_a_duration_is_written_as_go_writes_it(case):
    """And reads back."""
    duration = timedelta(microseconds=case["nanoseconds"] // 1000)
    assert format_duration(duration) == case["text"]
    assert parse_duration(case["text"]) == duration


@pytest.mark.parametrize(
    "case", load("durations_read.json"), ids=lambda case: repr(case["text"])
)
def test_a_duration_is_read_as_go_reads_it(case):
    """Or refused where Go refuses it."""
    if case["nanoseconds"] is None:
        with pytest.raises(ValueError, match="^not a duration like 10s or 1h30m: "):
            parse_duration(case["text"])
    else:
        assert nanoseconds(parse_duration(case["text"])) == case["nanoseconds"]


@pytest.mark.parametrize(
    ("text", "micros"), [("1000", 1), ("-5000", -5), ("+60000000000", 60_000_000)]
)
def test_a_bare_number_is_nanoseconds(text, micros):
    """As info strings of the Go system have it."""
    assert parse_duration(text) == timedelta(microseconds=micros)


@given(st.timedeltas())
def test_any_duration_reads_back(duration):
    """To the microsecond, over all of `timedelta`."""
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["99999999999999h", "9" * 200])
def test_a_duration_may_be_too_long(text):
    """It is a mistake, not a crash."""
    with pytest.raises(ValueError, match="^too long a duration: '9"):
        parse_duration(text)


def test_a_wait_lasts_a_century_at_most():
    """Beyond, clocks, brokers and threads have no time for it."""
    assert parse_wait("876600h") == LONGEST_WAIT == timedelta(days=36525)
    for text in ("876601h", "9999999h"):
        with pytest.raises(ValueError, match=f"^longer than 100 years: '{text}'$"):
            parse_wait(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("", True), ("true", True), ("TRUE", True), ("1", False), ("yes", False)],
)
def test_only_blank_and_true_are_true(text, value):
    """As the Go system reads a flag."""
    assert parse_bool(text) is value


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (str, " a b ", " a b "),
        (int, "-7", -7),
        (int, "+007", 7),
        (float, "1e-3", 0.001),
        (float, "-inf", float("-inf")),
        (Path, "/a b", Path("/a b")),
        (Colour, "red", Colour.RED),
        (Size, "2", Size.LARGE),
        (timedelta, "1m", timedelta(minutes=1)),
        (datetime, "2017-01-01T00:00:01Z", datetime(2017, 1, 1, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_a_text_becomes_a_value(kind, text, value):
    """For every type that options and parameters may have."""
    assert reader(kind)(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        (int, "", "not a whole number: ''"),
        (int, "1.0", "not a whole number: '1.0'"),
        (int, "1_000", "not a whole number: '1_000'"),
        (int, " 1", "not a whole number: ' 1'"),
        (int, "\u0661", "not a whole number: '\u0661'"),
        (int, "1\n", r"not a whole number: '1\n'"),
        (float, "a", "not a number: 'a'"),
        (float, "nan", "not a number: 'nan'"),
        (float, "1_0", "not a number: '1_0'"),
        (float, "1e999", "not a number: '1e999'"),
        (float, " 1", "not a number: ' 1'"),
        (Colour, "green", "'green' is none of red, blue"),
        (datetime, "today", "not an RFC 3339 date like 2026-01-02T03:04:05Z: 'today'"),
        (timedelta, "1d", "not a duration like 10s or 1h30m: '1d'"),
    ],
)
def test_a_bad_text_is_named(kind, text, complaint):
    """The message says what was expected and what was there."""
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        reader(kind)(text)


@pytest.mark.parametrize("kind", [int, float, Colour, datetime, timedelta])
@pytest.mark.parametrize("text", ["9" * 5000 + "x", "\x00" * 5000])
def test_a_complaint_is_one_short_line(kind, text):
    """However long the input, and whatever is in it."""
    with pytest.raises(ValueError, match="'") as caught:
        reader(kind)(text)
    assert len(str(caught.value)) <= 150
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["9" * 5000, "-" + "9" * 5000])
def test_a_number_of_thousands_of_digits_is_none(text):
    """Python would refuse it with advice that is not for users."""
    with pytest.raises(ValueError, match="^not a whole number: "):
        reader(int)(text)


@pytest.mark.parametrize("kind", [bytes, list, list[int], object, None, "int"])
def test_other_types_have_no_reader(kind):
    """Whoever asks says so with the name of the field."""
    assert reader(kind) is None


def test_a_layout_reads_other_dates():
    """A date without a zone is in UTC."""
    read = reader(datetime, "%Y/%m/%d")
    assert read("2017/01/02") == datetime(2017, 1, 2, tzinfo=UTC)
    with pytest.raises(ValueError, match="^not a date like %Y/%m/%d: '2017'$"):
        read("2017")


def test_a_layout_may_have_a_zone():
    """Then it is kept."""
    moment = reader(datetime, "%H:%M %z")("01:00 +0100")
    assert moment.utcoffset() == timedelta(hours=1)


VALUES = {
    str: st.text(),
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False),
    Colour: st.sampled_from(Colour),
    Size: st.sampled_from(Size),
    timedelta: st.timedeltas(),
    datetime: st.datetimes(
        datetime(2, 1, 1),
        datetime(9998, 12, 31),
        timezones=st.integers(-1439, 1439).map(
            lambda minutes: timezone(timedelta(minutes=minutes))
        ),
    ),
}


@given(
    st.sampled_from(list(VALUES)).flatmap(lambda k: st.tuples(st.just(k), VALUES[k]))
)
def test_what_is_written_reads_back(pair):
    """For every type."""
    kind, value = pair
    assert reader(kind)(write(value)) == value


@pytest.mark.parametrize(
    ("text", "size"),
    [("1K", 1024), ("512M", 512 << 20), ("1.5GiB", 3 << 29), ("2gb", 2 << 30)],
)
def test_a_size_is_read_in_powers_of_1024(text, size):
    """However its unit is written."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("512", "512 of what? Give a unit, for example 512M"),
        ("", "not a size like 512M: ''"),
        ("-1M", "not a size like 512M: '-1M'"),
        ("1MM", "not a size like 512M: '1MM'"),
    ],
)
def test_what_is_no_size_is_refused(text, problem):
    """A number alone says nothing of its unit."""
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse_size(text)
