"""Rules of `rule`: the task of a firing, and what makes a rule another one."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_taskmaster_cron.options import Missed
from task_taskmaster_cron.rule import Rule, shifted
from task_taskmaster_cron.schedule import read_schedule
from task_testing import FakeClock

from task_core.api import parse_meta

BERLIN = ZoneInfo("Europe/Berlin")
RULE = Rule(
    number=1,
    cron="0 5 * * *",
    schedule=read_schedule("0 5 * * *", BERLIN),
    zone=BERLIN,
    type="load",
    job="orders",
    topic="loads",
    template="{ts}?h={meta:cron}&n={meta:n}",
    offset=timedelta(hours=-1),
    meta={"n": "a&b"},
    missed=Missed.LAST,
)


def test_a_task_is_about_its_firing():
    """In the rule's zone, with the offset; `created` is when it is made."""
    firing = datetime(2026, 1, 31, 4, tzinfo=UTC)
    clock = FakeClock(firing.timestamp() + 90)
    task = RULE.task(firing, clock)
    assert (task.type, task.job) == ("load", "orders")
    assert task.info == "20260131T040000?h=2026-01-31T04&n=a&b"
    assert parse_meta(task.meta) == {"cron": ["2026-01-31T04"], "n": ["a&b"]}
    assert task.created == "2026-01-31T04:01:30Z"
    assert task.id != RULE.task(firing, clock).id


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
    "change",
    [
        {"cron": "1 5 * * *"},
        {"zone": UTC},
        {"type": "x"},
        {"job": "x"},
        {"topic": "x"},
        {"template": "x"},
        {"offset": timedelta(0)},
        {"meta": {}},
    ],
    ids=str,
)
def test_a_change_makes_it_another_rule(change):
    """Which begins anew."""
    assert attrs.evolve(RULE, **change).key != RULE.key


@pytest.mark.parametrize("change", [{"number": 2}, {"missed": Missed.ALL}], ids=str)
def test_place_and_policy_leave_it_the_same_rule(change):
    """It goes on where it was."""
    assert attrs.evolve(RULE, **change).key == RULE.key


def test_the_key_outlives_the_process():
    """It stands in state files: another way to make it would begin all rules anew."""
    assert RULE.key == "c16d2af2a1101b8a"
