"""Rules of `task_core.task`."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from task_core.task import Result, Task, format_meta, merge_meta, parse_date, parse_meta

FIXTURES = Path(__file__).parents[1] / "fixtures" / "wire"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.dictionaries(TEXT, st.lists(TEXT, min_size=1))


class StoppedClock:
    """Only what `Task` asks of a clock."""

    def __init__(self, stamp):
        self.now = stamp

    def stamp(self):
        return self.now


def load(name):
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def test_a_new_task_is_to_be_done():
    """It has a new id and the time, and nothing of a result."""
    task = Task.new("load", "a.csv", job="daily", meta="n=1", clock=StoppedClock("now"))
    assert uuid.UUID(task.id).version == 7
    expected = Task(
        type="load", job="daily", info="a.csv", created="now", id=task.id, meta="n=1"
    )
    assert task == expected


def test_new_tasks_have_different_ids():
    """A thousand of them."""
    assert len({Task.new("t").id for _ in range(1000)}) == 1000


@pytest.mark.parametrize("given_id", ["7", ""])
def test_a_given_id_is_kept(given_id):
    """So that children, retries and their parent can be found together."""
    assert Task.new("t", id=given_id).id == given_id


def test_created_is_now_in_whole_seconds_of_utc():
    """As the Go system writes it."""
    before = datetime.now(UTC).replace(microsecond=0)
    moment = Task.new("t").moment("created")
    assert before <= moment <= datetime.now(UTC)


def test_start_stamps_each_time():
    """A second run has its own begin."""
    task = Task(type="t", info="")
    task.start(StoppedClock("one"))
    task.start(StoppedClock("two"))
    assert task.started == "two"


@pytest.mark.parametrize("result", list(Result))
def test_end_records_result_message_and_time(result):
    """The result is plain text, also when an enum is given."""
    task = Task(type="t", info="")
    task.end(result, "why", StoppedClock("now"))
    assert (task.result, task.msg, task.ended) == (result.value, "why", "now")
    assert type(task.result) is str


def test_the_results_are_those_of_the_go_system():
    """Other programs compare with these words."""
    assert [result.value for result in Result] == ["complete", "error", "alert", "warn"]


def test_a_moment_is_in_utc_and_an_empty_one_is_none():
    """Whatever offset the text has."""
    task = Task(type="t", info="", started="2017-01-01T01:00:00.5+01:00")
    assert task.moment("started") == datetime(2017, 1, 1, 0, 0, 0, 500_000, UTC)
    assert task.moment("started").tzinfo is UTC
    assert task.moment("ended") is None


def test_a_moment_that_is_no_date_is_an_error():
    """Only a task that was never on the wire can have one."""
    with pytest.raises(ValueError, match="not an RFC 3339 date: 'soon'"):
        Task(type="t", info="", created="soon").moment("created")


@pytest.mark.parametrize("case", load("meta.json"), ids=lambda case: case["name"])
def test_meta_is_written_as_go_writes_it(case):
    """Sorted by key, percent-encoded, and it reads back."""
    assert format_meta(case["values"]) == case["meta"]
    given_values = {key: values for key, values in case["values"].items() if values}
    assert parse_meta(case["meta"]) == given_values


@pytest.mark.parametrize("case", load("meta_read.json"), ids=lambda case: case["name"])
def test_meta_is_read_as_go_reads_it(case):
    """Also where it was written by hand."""
    assert parse_meta(case["meta"]) == case["values"]


@pytest.mark.parametrize(
    ("meta", "values"),
    [
        ("rate=100%", {"rate": ["100%"]}),
        ("rate=100%25&more=%zz", {"rate": ["100%"], "more": ["%zz"]}),
        ("query=a=b", {"query": ["a=b"]}),
        ("sql=a;b", {"sql": ["a;b"]}),
        ("file=s3://b/a.csv?x=1", {"file": ["s3://b/a.csv?x=1"]}),
        ("bad=%ff", {"bad": ["\ufffd"]}),
    ],
)
def test_meta_that_go_has_decoded_is_still_read(meta, values):
    """The Go launcher writes it without its encoding; a stray sign is text."""
    assert parse_meta(meta) == values


@given(VALUES)
def test_any_meta_reads_back(values):
    """Signs, separators and blanks of any kind."""
    assert parse_meta(format_meta(values)) == values


@given(TEXT)
def test_any_text_can_be_read_as_meta(text):
    """There is no bad meta."""
    assert parse_meta(format_meta(parse_meta(text))) == parse_meta(text)


@pytest.mark.parametrize(
    ("meta", "changes", "merged"),
    [
        ("", {}, ""),
        ("", {"count": "10"}, "count=10"),
        ("key=abc&name=test", {}, "key=abc&name=test"),
        ("key=abc&name=test", {"count": "10"}, "count=10&key=abc&name=test"),
        (
            "key=abc&name=test",
            {"key": "xyz", "count": "10"},
            "count=10&key=xyz&name=test",
        ),
        ("n=1&n=2&m=3", {"n": ["4", "5"]}, "m=3&n=4&n=5"),
        ("z=1&a=2", {}, "a=2&z=1"),
        ("n=1", {"n": []}, ""),
        ("file=a%26b", {"to": "c&d"}, "file=a%26b&to=c%26d"),
    ],
    ids=[
        "empty",
        "append-to-none",
        "preserve",
        "append",
        "override",
        "override-lists",
        "sort",
        "remove",
        "encoded",
    ],
)
def test_the_meta_of_a_worker_is_merged(meta, changes, merged):
    """Its keys replace, others are kept, all are sorted, all stay encoded."""
    assert merge_meta(meta, changes) == merged


@given(VALUES, VALUES)
def test_a_merge_keeps_what_is_not_replaced(old, new):
    """Whatever the values hold."""
    assert parse_meta(merge_meta(format_meta(old), new)) == {**old, **new}


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
    """Whatever is given but a date: hypothesis tries those that the source names."""
    assume(not re.fullmatch(r"\d{4}(-\d\d){2}T(\d\d:){2}\d\d(\.\d+)?\S{1,6}", text))
    with pytest.raises(ValueError, match="^not an RFC 3339 date: ") as caught:
        parse_date(text)
    assert len(str(caught.value)) < 100
    assert str(caught.value).isprintable()


def test_meta_may_be_given_as_keys_and_values():
    """Written as the wire wants it; anything else is refused at once."""
    assert (
        Task.new("load", meta={"b": ["1", "2"], "a": "x&y"}).meta == "a=x%26y&b=1&b=2"
    )
    with pytest.raises(TypeError, match="a text or a mapping"):
        Task.new("load", meta=["a=b"])
