"""Dates as people write them, and all dates of a range."""

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import partial
from itertools import takewhile
from typing import Any

from task_rules.names import nearest

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d.*)?)?)?", re.DOTALL)


class By(StrEnum):
    """How far two neighbours of a range are from each other."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_SPELLINGS = {
    **{by.value: by for by in By},
    "hourly": By.HOUR,
    "daily": By.DAY,
    "weekly": By.WEEK,
    "monthly": By.MONTH,
}


def read_by(text: str) -> By:
    """Read a step: `hour`, `day`, `week`, `month`, or `hourly` and so on.

    Raises:
        ValueError: It is none of them; the text fits behind the name of its key.
    """
    if text not in _SPELLINGS:
        hint = nearest(str(text), _SPELLINGS)
        raise ValueError(f"is one of hour, day, week, month, not {text!r}{hint}")
    return _SPELLINGS[text]


def read_date(text: str, zone: tzinfo = UTC) -> datetime:
    """Read `2026-01-31`, `2026-01-31T05`, or RFC 3339.

    Args:
        text: The date.
        zone: Where it is that time, unless the text says; the result is there, too.

    Raises:
        ValueError: It is no date, or one that is not in the calendar.
    """
    found = _iso(text) if _DATE.fullmatch(text) else None
    if found is None:
        advice = "2026-01-31, 2026-01-31T05 or 2026-01-31T05:00:00Z"
        raise ValueError(f"is no date like {advice}: {text!r}")
    if found.tzinfo is None:
        return found.replace(tzinfo=zone)
    try:
        return found.astimezone(zone)
    except OverflowError:
        raise ValueError(f"is out of the calendar in {zone}: {text!r}") from None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def dates(start: datetime, end: datetime, by: By, limit: int = 0) -> list[datetime]:
    """Return all dates from one to another, both included.

    When the end is before the start the newest one comes first; the steps are counted
    from the earlier one in either case. Days, weeks and months are those of the
    calendar of the zone; a month that lacks the day gets its last one.

    Args:
        start, end: In one zone.
        by: The step.
        limit: How many there may be; 0 for any number.

    Raises:
        ValueError: There are more, or the first is out of the calendar.
    """
    place = partial(_place, by)
    first, last = sorted((start, end), key=place)
    if limit and count_dates(start, end, by) > limit:
        raise ValueError(
            f"there are more than {limit} dates from {start.isoformat()} to"
            f" {end.isoformat()} by {by}"
        )
    found = takewhile(lambda it: place(it) <= place(last), _steps(first, by))
    result = list(found)
    return result[::-1] if place(end) < place(start) else result


def count_dates(start: datetime, end: datetime, by: By) -> int:
    """Return how many dates there are, as `dates` does; none of them is made.

    Args:
        start, end: In one zone.
        by: The step.
    """
    first, last = sorted((start, end), key=partial(_place, by))
    match by:
        case By.HOUR:
            steps = int((last.timestamp() - first.timestamp()) // 3600)
        case By.DAY:
            steps = (last - first) // timedelta(days=1)
        case By.WEEK:
            steps = (last - first) // timedelta(weeks=1)
        case By.MONTH:
            steps = (last.year - first.year) * 12 + last.month - first.month
            steps -= _months_later(first, steps) > last
    return steps + 1


def _place(by: By, moment: datetime) -> Any:
    """Return what to compare: the clock of a zone shows one hour twice a year."""
    return moment.timestamp() if by is By.HOUR else moment


def _steps(first: datetime, by: By) -> Iterator[datetime]:
    number = 0
    while True:
        try:
            yield _step(first, by, number)
        except (OverflowError, ValueError):
            if not number:  # by hour it goes by UTC
                text = f"{first.isoformat()} is out of the calendar in UTC"
                raise ValueError(text) from None
            return  # the calendar ends
        number += 1


def _step(first: datetime, by: By, number: int) -> datetime:
    match by:
        case By.HOUR:
            passed = first.astimezone(UTC) + timedelta(hours=number)
            return passed.astimezone(first.tzinfo)
        case By.DAY:
            return first + timedelta(days=number)
        case By.WEEK:
            return first + timedelta(weeks=number)
        case By.MONTH:
            return _months_later(first, number)


def _months_later(first: datetime, number: int) -> datetime:
    years, month = divmod(first.month - 1 + number, 12)
    year, month = first.year + years, month + 1
    day = min(first.day, calendar.monthrange(year, month)[1])
    return first.replace(year=year, month=month, day=day)
