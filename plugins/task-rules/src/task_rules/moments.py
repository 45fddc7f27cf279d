"""Moments around a firing: offsets, durations, and the hour of a task's meta."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from task_core.api import Clock, excerpt, parse_duration

HOUR = "cron"
"""The key of the meta that names the hour which a task is about."""
LONGEST_OFFSET = timedelta(days=36525)
"""Further away the calendar may end."""
_DAY = timedelta(days=1)
_NUMBER = re.compile(r"[+-]?[0-9]{1,4000}")
_DAYS = re.compile(r"(?P<sign>[+-]?)(?:(?P<days>\d{1,6})d)?(?P<rest>.*)", re.DOTALL)


def hour_text(moment: datetime) -> str:
    """Return the hour of a moment, as the meta `cron` has it.

    Example:
        >>> hour_text(datetime(2026, 1, 31, 5, 30))
        '2026-01-31T05'
    """
    return moment.isoformat()[:13]  # strftime takes thrice as long


def whole_second(clock: Clock) -> datetime:
    """Return now in UTC, without its fraction, as schedules count."""
    return datetime.fromtimestamp(int(clock.time()), UTC)


def shifted(firing: datetime, offset: timedelta, zone: tzinfo) -> datetime:
    """Return the time that is `offset` from a firing, in a zone.

    Whole days are those of the calendar: `-24h` is the same time on the day before,
    also when that day had 23 hours. The rest is time that really passes.

    Example:
        >>> shifted(datetime(2026, 1, 2, tzinfo=UTC), timedelta(hours=-25), UTC).hour
        23
    """
    sign = -1 if offset < timedelta(0) else 1
    days, rest = divmod(abs(offset), _DAY)
    moment = firing.astimezone(zone) + sign * days * _DAY
    return (moment.astimezone(UTC) + sign * rest).astimezone(zone)


def read_duration(value: Any) -> timedelta:
    """Read a duration as Go writes it, and with days before: `2d`, `-1d12h`, `90s`.

    Raises:
        ValueError: It is none; the text fits behind the name of its key.
    """
    return _read(value, "-24h")


def _read(value: Any, example: str) -> timedelta:
    """Read a duration; what is no text is answered with an example that would do."""
    if not isinstance(value, str):
        raise ValueError(f"must be text like {example!r}, not {value!r}")  # noqa: TRY004
    match = _DAYS.fullmatch(value.strip())
    if match is None or match["days"] is None:
        return _plain(value, value)
    rest = match["rest"] or "0"
    if rest[0] in "+-":
        raise ValueError(f"is not a duration like 10s or 1h30m: {value!r}")
    length = int(match["days"]) * _DAY + _plain(rest, value)
    return -length if match["sign"] == "-" else length


def _plain(text: str, whole: str) -> timedelta:
    """Read a duration without days; an error names the whole one."""
    if _NUMBER.fullmatch(text) and int(text):
        raise ValueError(f"needs a unit, as in {whole}s or {whole}h: {whole!r}")
    try:
        return parse_duration(text)
    except ValueError as error:
        within = f" in {excerpt(whole)}" if whole != text else ""
        raise ValueError(f"is {error}{within}") from None


def read_length(value: Any) -> timedelta:
    """Read a duration that is not negative.

    Raises:
        ValueError: It is, or is none.
    """
    length = _read(value, "10s")
    if length < timedelta(0):
        raise ValueError(f"must not be negative: {value!r}")
    return length


def read_offset(value: Any) -> timedelta:
    """Read a duration of a hundred years at most, in either direction.

    Raises:
        ValueError: It is longer, or is none.
    """
    offset = read_duration(value)
    if abs(offset) > LONGEST_OFFSET:
        raise ValueError(f"leads more than a hundred years away: {value!r}")
    return offset
