"""Rules of `rule`: the task of a firing, and what makes a rule another one."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from task_rules.missed import Missed
from task_rules.schedule import read_schedule
from task_taskmaster_cron.rule import Rule
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
