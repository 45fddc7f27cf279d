"""When a group fires."""

from datetime import UTC, datetime

from task_rules.schedule import read_schedule
from task_taskmaster_files.grouping import Grouping, Verdict, judge


def verdict(files, first=0.0, last=0.0, now=0.0, *, late=False, **keys):
    return judge(Grouping(by="{dir}", **keys), files, first, last, now, late=late)


def test_a_group_fires_at_its_count_with_so_many():
    """Those that are more begin the next one: 3 of 5, not 2 as Go's did."""
    assert verdict(2, count=3) == Verdict()
    assert verdict(3, count=3).fire == 3
    assert verdict(5, count=3).fire == 3


def test_a_group_fires_when_no_more_files_come():
    """Its quiet time begins with each file."""
    assert verdict(2, 0, 100, 399, quiet=300) == Verdict(next=400)
    assert verdict(2, 0, 100, 400, quiet=300).fire == 2


def test_a_group_fires_at_its_time():
    """The first after its first file, also when nobody was there to see it."""
    at = read_schedule("0 6 * * *", UTC)
    six = datetime(2026, 1, 2, 6, tzinfo=UTC).timestamp()
    first = datetime(2026, 1, 1, 7, tzinfo=UTC).timestamp()
    assert verdict(1, first, first, six - 1, at=at) == Verdict(next=six)
    assert verdict(1, first, first, six + 9999, at=at).fire == 1


def test_a_group_waits_no_longer_than_it_may():
    """Though files still come."""
    assert verdict(9, 0, 59, 59, quiet=10, max_wait=60) == Verdict(next=60)
    assert verdict(9, 0, 59, 60, quiet=10, max_wait=60) == Verdict(fire=9)


def test_a_group_with_too_few_files_does_not_fire_for_being_quiet():
    """It is short when it may wait no longer."""
    keys = {"quiet": 10, "max_wait": 60, "min_count": 3}
    assert verdict(2, 0, 0, 30, **keys) == Verdict(next=60)
    assert verdict(2, 0, 0, 60, **keys) == Verdict(fire=2, short=True)
    assert verdict(3, 0, 0, 30, **keys) == Verdict(fire=3)


def test_late_files_fire_though_they_are_few():
    """At their time; at once when only a count says when."""
    keys = {"quiet": 10, "max_wait": 60, "min_count": 3, "late": True}
    assert verdict(1, 0, 0, 9, **keys) == Verdict(next=10)
    assert verdict(1, 0, 0, 10, **keys) == Verdict(fire=1)
    assert verdict(1, count=3, late=True) == Verdict(fire=1)
    assert verdict(5, count=3, late=True) == Verdict(fire=3)
