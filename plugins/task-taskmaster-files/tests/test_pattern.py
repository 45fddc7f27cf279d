"""Patterns: which places they lead to, which paths they mean."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_taskmaster_files.names import any_of
from task_taskmaster_files.pattern import Pattern
from task_taskmaster_files.quick import name_test

NOW = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def places(text, lookback=timedelta(0), zone=UTC, now=NOW):
    return Pattern(text, zone).places(now, lookback)


def roots(*arguments, **keywords):
    return [place.root for place in places(*arguments, **keywords)]


def test_without_tokens_there_is_one_place():
    """It begins in front of the first wildcard."""
    (place,) = places("s3://shop/in/*/x/*.csv")
    assert place.root == "s3://shop/in"
    assert place.segments == ("*", "x", "*.csv")
    assert place.moment is None


def test_a_whole_path_is_a_pattern_too():
    """For one file that comes again and again."""
    (place,) = places("/in/orders.csv")
    assert (place.root, place.segments) == ("/in", ("orders.csv",))


def test_a_look_back_leads_to_each_hour_once():
    """The latest first; both ends are included."""
    found = roots("/in/{yyyy}/{mm}/{dd}/{hh}/*.csv", 2 * HOUR)
    assert found == ["/in/2026/03/01/01", "/in/2026/03/01/00", "/in/2026/02/28/23"]


def test_a_look_back_by_days_leads_to_each_day_once():
    """Also in a month's first hours."""
    found = places("/in/{DAY_SLUG}/*.csv", timedelta(days=1))
    assert [place.root for place in found] == ["/in/2026/03/01", "/in/2026/02/28"]
    assert found[1].moment == datetime(2026, 2, 28, tzinfo=UTC)


def test_tokens_are_on_the_clock_of_the_zone():
    """A day in Auckland has begun half a day before."""
    zone = ZoneInfo("Pacific/Auckland")
    (place,) = places("/in/{yyyy}{mm}{dd}{hh}/*", zone=zone)
    assert place.root == "/in/2026030114"
    assert place.moment == datetime(2026, 3, 1, 14, tzinfo=zone)


def test_tokens_in_a_name_are_filled_in_as_well():
    """Then there are several names to look for in one folder."""
    found = places("/in/orders_{yyyy}{mm}*.csv", timedelta(days=31))
    assert [it.segments for it in found] == [
        ("orders_202603*.csv",),
        ("orders_202602*.csv",),
        ("orders_202601*.csv",),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("/in/{yyyz}/*.csv", "{yyyz}, which is no date token: did you mean 'yyyy'?"),
        ("/in/", "write /in/* for the files in it"),
        ("s3://*/x.csv", "must begin with a folder or a bucket"),
        ("/in/a**/x.csv", "beside other text"),
        ("/", "must name files"),
    ],
)
def test_a_pattern_that_can_mean_nothing_is_refused(text, problem):
    """With what to do."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  below
        Pattern(text, UTC)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "path", "is_meant"),
    [
        ("/in/*.csv", "/in/a.csv", True),
        ("/in/*.csv", "/in/x/a.csv", False),
        ("/in/?.csv", "/in/a.csv", True),
        ("/in?a.csv", "/in/a.csv", False),
        ("/in/[ab].csv", "/in/c.csv", False),
        ("/in/[!ab].csv", "/in/c.csv", True),
        ("/in/**/*.csv", "/in/a.csv", True),
        ("/in/**/*.csv", "/in/x/y/a.csv", True),
        ("/in/**", "/in/x/y/a.csv", True),
        ("/in/**/x/*.csv", "/in/y/x/a.csv", True),
        ("/in/**/x/*.csv", "/in/y/a.csv", False),
        ("/in/a+b.csv", "/in/a+b.csv", True),
        ("s3://b/*/a.csv", "s3://b/x/a.csv", True),
        ("file:///in/*.csv", "/in/a.csv", True),
    ],
)
def test_a_path_matches_as_a_shell_would_have_it(text, path, is_meant):
    """Wildcards stay within a name, `**` stands for folders."""
    assert Pattern(text, UTC).match(path) == (is_meant, None)


def test_a_path_tells_the_moment_of_its_tokens():
    """The same token twice must say the same."""
    pattern = Pattern("gs://b/{yyyy}/{mm}/{dd}/{yyyy}-{hh}.csv", UTC)
    moment = datetime(2026, 1, 31, 5, tzinfo=UTC)
    assert pattern.match("gs://b/2026/01/31/2026-05.csv") == (True, moment)
    assert pattern.match("gs://b/2026/01/31/2025-05.csv") == (False, None)
    assert pattern.match("gs://b/2026/13/31/2026-05.csv") == (False, None)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2068, 1, 1)), st.integers(0, 200))
def test_every_place_is_meant_by_its_pattern(now, hours):
    """Listing and events agree about moments."""
    pattern = Pattern("s3://b/{yyyy}/x{mm}/{dd}-{hh}/*.csv", UTC)
    found = pattern.places(now.replace(tzinfo=UTC), hours * HOUR)
    assert len(found) == hours + 1
    for place in found:
        assert pattern.match(f"{place.root}/a.csv") == (True, place.moment)


wild = st.text("ab.*", min_size=1, max_size=4)


@given(wild, st.lists(wild, max_size=3), st.text("ab.", min_size=1, max_size=5))
def test_the_quick_test_of_names_tells_what_the_slow_one_does(pattern, ignored, name):
    """It is only quick."""
    slow = any_of([pattern])(name) and not any(any_of([it])(name) for it in ignored)
    assert bool(name_test(pattern, ignored)(name)) == slow
