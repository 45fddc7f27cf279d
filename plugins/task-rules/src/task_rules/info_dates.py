"""The date that a task is about: told by its meta, its info, or a path."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from task_rules.moments import HOUR

# A name must begin where one can: `update=2026-01-31` tells no date.
_BEGIN = r"(?<![A-Za-z])"
_STAMP = re.compile(
    _BEGIN + r"(?:day|date|time|timestamp)[=:](\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
)
_HOUR = re.compile(_BEGIN + r"(?:date|hour|hour_utc)[=:](\d{4}-\d\d-\d\dT\d\d)")
_DAY = re.compile(_BEGIN + r"(?:day|date)[=:](\d{4}-\d\d-\d\d)")


def _whole(digits: str) -> re.Pattern[str]:
    # Looked for at each place anew: 1234/56/2026/01/31 has a date.
    return re.compile(rf"(?<!\d)(?=({digits})(?!\d))")


_PATHS = (
    (_whole(r"\d{4}/\d\d/\d\d/\d\d"), "%Y/%m/%d/%H"),
    (_whole(r"\d{4}/\d\d/\d\d"), "%Y/%m/%d"),
    (_whole(r"\d{4}-\d\d-\d\d"), "%Y-%m-%d"),
    (_whole(r"\d{4}/\d\d"), "%Y/%m"),
)
_NAME = re.compile(r"\d{8}T\d{6}")
_CRON = re.compile(r"^\d{4}-\d\d-\d\dT\d\d$")


def path_time(path: str) -> datetime | None:
    """Return the date in a path, None when there is none.

    That in the file's name (`20260131T050000`) counts before `2026/01/31/05` in its
    folders, that before `2026/01/31`, `2026-01-31` and `2026/01`. What has digits in
    the right places and is no date is passed over.
    """
    name = path.rpartition("/")[2]
    for moment in _found(_NAME, name, "%Y%m%dT%H%M%S"):
        return moment
    for pattern, layout in _PATHS:
        for moment in _found(pattern, path, layout):
            return moment
    return None


def info_time(info: str) -> datetime | None:
    """Return the date in an info string: that of a parameter, or of its path.

    Parameters are `day date time timestamp` with a full stamp, `date hour hour_utc`
    with an hour, `day date` with a day; wherever they stand, also within maps.
    """
    for pattern, layout in (
        (_STAMP, "%Y-%m-%dT%H:%M:%SZ"),
        (_HOUR, "%Y-%m-%dT%H"),
        (_DAY, "%Y-%m-%d"),
    ):
        for moment in _found(pattern, info, layout):
            return moment
    return path_time(_path(info))


def task_time(meta: Mapping[str, str], info: str) -> datetime | None:
    """Return what a task is about: its meta `cron` first, then its info.

    Args:
        meta: Of the task; of a key with several values the first.
        info: Of the task.
    """
    hour = meta.get(HOUR, "")
    if _CRON.match(hour):
        try:
            day = datetime(int(hour[:4]), int(hour[5:7]), int(hour[8:10]), tzinfo=UTC)
            return day.replace(hour=int(hour[11:]))
        except ValueError:
            pass  # no date of the calendar
    return info_time(info)


def _path(info: str) -> str:
    """Return the path of an URI."""
    body = info.partition("#")[0].partition("?")[0]
    _, there, rest = body.partition("://")
    return rest.partition("/")[2] if there else body


def _found(pattern: re.Pattern[str], text: str, layout: str) -> Iterator[datetime]:
    for match in pattern.finditer(text):
        try:
            yield datetime.strptime(match[match.lastindex or 0], layout).replace(
                tzinfo=UTC
            )
        except ValueError:
            continue
