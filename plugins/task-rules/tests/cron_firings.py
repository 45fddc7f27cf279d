"""What the tests of schedules ask: when does something fire."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from task_rules.schedule import read_schedule

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
CAIRO = ZoneInfo("Africa/Cairo")
MINUTE = timedelta(minutes=1)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def firings(text, start, end=None, zone=UTC):
    """Yield the firings after `start` and before `end`, one from the other."""
    schedule = read_schedule(text, zone)
    moment = schedule.after(start)
    while moment and (end is None or moment < end):
        yield moment
        moment = schedule.after(moment)


def local(text, zone, day, days=1):
    """Return the firings of some local days, as local times with their offsets."""
    start = datetime(*day, tzinfo=zone)
    end = start + timedelta(days=days)
    before = start.astimezone(UTC) - timedelta(seconds=1)
    found = firings(text, before, end.astimezone(UTC), zone)
    return [f"{moment.astimezone(zone):%H:%M:%S%z}" for moment in found]


def matches(field, value, low, high):
    """Say in another way than the library what a field means."""
    allowed = set()
    for part in field.split(","):
        body, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if body == "*" else body).partition("-")
        allowed.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return value in allowed
