"""Cron text read into a schedule. All moments in here are UTC, and whole seconds."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

import attrs
from cronsim import CronSim, CronSimError

from task_core.api import parse_duration
from task_rules.calendar import Fixed, Running
from task_rules.names import nearest

SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
EVERY = "@every"
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S*)\s*(.*)", re.DOTALL)
_STEPS = re.compile(r"(?<!\w)(\w+)-(\w+)/[0-9]+")
_STEP = re.compile(r"/([0-9]+)")
_VALUES = {"second": 60, "minute": 60, "hour": 24, "day": 31, "month": 12, "weekday": 7}
_WINDOW = timedelta(minutes=1)
_SAMPLE = datetime(2024, 1, 1, tzinfo=UTC)  # any time does to see whether text is good


class Schedule(Protocol):
    """Tells when to fire."""

    def after(self, moment: datetime) -> datetime | None:
        """Return the first firing after a moment, or None when there is none."""


@attrs.frozen(kw_only=True)
class Interval:
    """Fires at all multiples of a length, counted from 1970-01-01 UTC.

    So a restart changes nothing, and `@every 1h` fires on the hour.

    Args:
        seconds: The length.
    """

    seconds: int

    def after(self, moment: datetime) -> datetime | None:
        """Return the first multiple after a moment, or None beyond the calendar."""
        count = int(moment.timestamp()) // self.seconds + 1
        try:
            return datetime.fromtimestamp(count * self.seconds, UTC)
        except (ValueError, OverflowError, OSError):
            return None


def latest(schedule: Schedule, since: datetime, now: datetime) -> datetime | None:
    """Return the last firing after `since` and not after `now`, if there is one.

    Looks back in ever longer steps: what fires each second may have been down a year.
    """
    window = _WINDOW
    while True:
        start = max(since, now - window)
        found = None
        firing = schedule.after(start)
        while firing and firing <= now:
            found = firing
            firing = schedule.after(firing)
        if found or start == since:
            return found
        window *= 8


def split_zone(text: str) -> tuple[str | None, str]:
    """Take `CRON_TZ=Europe/Berlin` or `TZ=…` off the begin of cron text.

    Returns:
        The name of the zone, None when there is none, and the rest.

    Example:
        >>> split_zone("CRON_TZ=Europe/Berlin 0 5 * * *")
        ('Europe/Berlin', '0 5 * * *')
    """
    match = _ZONE.fullmatch(text.strip())
    return (match[1], match[2]) if match else (None, text.strip())


def read_zone(name: str) -> tzinfo:
    """Return a time zone of the IANA database.

    Raises:
        ValueError: There is none of that name.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no name at all; a folder
        # Of what is no place, the nearest may be hours off: EST for CEST.
        places = [it for it in available_timezones() if "/" in it]
        hint = nearest(name, [*places, "UTC"] if name.upper() == "UTC" else places)
        hint = hint or ": write a name such as Europe/Berlin, or UTC"
        raise ValueError(f"{name!r} is no time zone{hint}") from None


def read_schedule(text: str, zone: tzinfo) -> Schedule:
    """Read cron text without its zone.

    Args:
        text: Five or six fields, a shorthand such as `@daily`, or `@every 1h30m`.
        zone: Whose clock the fields are about.

    Raises:
        ValueError: It is none of them, or never fires.
    """
    words = text.split()
    if words[:1] == [EVERY]:
        schedule: Schedule = _read_interval(" ".join(words[1:]))
    elif text.startswith("@"):
        schedule = _read_calendar(_shorthand(text), zone)
    else:
        schedule = _read_calendar(text, zone)
    if schedule.after(_SAMPLE) is None:
        raise ValueError("it never fires")
    return schedule


def _shorthand(text: str) -> str:
    if text not in SHORTHANDS:
        known = [*SHORTHANDS, EVERY]
        hint = nearest(text, known) or f"; there are {' '.join(known)}"
        raise ValueError(f"no such shorthand{hint}")
    return SHORTHANDS[text]


def _read_interval(text: str) -> Interval:
    length = parse_duration(text)
    seconds = length // timedelta(seconds=1)
    if seconds < 1 or length.microseconds:
        raise ValueError(f"{EVERY} takes whole seconds, one at least, not {text!r}")
    return Interval(seconds=seconds)


def _read_calendar(text: str, zone: tzinfo) -> Schedule:
    fields = text.split()
    if len(fields) not in (5, 6):
        raise ValueError(
            f"{len(fields)} fields: there must be five (minute, hour, day of month,"
            " month, day of week), or six with the seconds first"
        )
    for place in (-3, -1):  # the days: only there does "any" have two signs
        fields[place] = "*" if fields[place] == "?" else fields[place]
    _check_steps(fields)
    fields = [_STEPS.sub(_one_value, field) for field in fields]
    try:
        sample = CronSim(" ".join(fields), _SAMPLE)
    except CronSimError as error:
        raise ValueError(str(error).lower()) from None
    return _calendar(fields, sorted(sample.seconds), zone)


def _one_value(steps: re.Match[str]) -> str:
    """Return a range with a step as it is, or its one value.

    CronSim takes `30-30/5` for `30-59/5`.
    """
    first, last = (text.lstrip("0").upper() for text in steps.groups())
    return steps[1] if first == last else steps[0]


def _check_steps(fields: list[str]) -> None:
    """Refuse a step that leads out of its field: it is meant otherwise."""
    names = list(_VALUES)[-len(fields) :]
    for name, field in zip(names, fields, strict=True):
        for step in _STEP.findall(field):
            if int(step) > _VALUES[name]:
                raise ValueError(f"bad {name}: there are no {step} to step over")


def _calendar(fields: list[str], seconds: list[int], zone: tzinfo) -> Schedule:
    """Return what has its minutes and hours fixed, or what goes by passing time.

    With seconds a rule means the same as without: they only come so much later.
    """
    minute, hour = fields[-5:-3]
    if minute.startswith("*") or hour.startswith("*"):
        return Running(expression=" ".join(fields), zone=zone)
    later = seconds if len(fields) == 6 else [0]
    shifts = tuple(timedelta(seconds=second) for second in later)
    return Fixed(expression=" ".join(fields[-5:]), shifts=shifts, zone=zone)
