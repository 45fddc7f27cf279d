"""Date tokens in the pattern of a rule: what they look like, and how fine they are."""

import re
from datetime import datetime
from enum import IntEnum

TOKEN = re.compile(r"\{(\w+)\}")


class Unit(IntEnum):
    """How long the finest token of a pattern stays the same."""

    YEAR = 1
    MONTH = 2
    DAY = 3
    HOUR = 4
    MINUTE = 5


_DIGITS = {
    "yyyy": r"(?P<yyyy>\d{4})",
    "yy": r"(?P<yy>\d\d)",
    "mm": r"(?P<mm>\d\d)",
    "dd": r"(?P<dd>\d\d)",
    "hh": r"(?P<hh>\d\d)",
    "min": r"(?P<min>\d\d)",
}
_UNITS = {
    "yyyy": Unit.YEAR,
    "yy": Unit.YEAR,
    "mm": Unit.MONTH,
    "dd": Unit.DAY,
    "hh": Unit.HOUR,
    "min": Unit.MINUTE,
}
_SLUGS = {
    "month_slug": "{yyyy}/{mm}",
    "day_slug": "{yyyy}/{mm}/{dd}",
    "hour_slug": "{yyyy}/{mm}/{dd}/{hh}",
    "slug": "{yyyy}/{mm}/{dd}/{hh}",
}
NAMES = (*_DIGITS, *_SLUGS)
"""The tokens that a pattern may have."""


def spelled_out(pattern: str) -> str:
    """Return the pattern with its tokens in lower case, and slugs as their parts.

    Example:
        >>> spelled_out("/in/{DAY_SLUG}/*.csv")
        '/in/{yyyy}/{mm}/{dd}/*.csv'
    """

    def spell(match: re.Match[str]) -> str:
        name = match[1].lower()
        return _SLUGS.get(name) or (f"{{{name}}}" if name in _DIGITS else match[0])

    return TOKEN.sub(spell, pattern)


def names_in(pattern: str) -> list[str]:
    """Return the names of the tokens, in any spelling."""
    return [match[1].lower() for match in TOKEN.finditer(pattern)]


def unit_of(pattern: str) -> Unit | None:
    """Return how fine the tokens of a spelled out pattern are, None without any."""
    units = [_UNITS[name] for name in names_in(pattern) if name in _UNITS]
    return max(units, default=None)


def as_regex(name: str, taken: set[str]) -> str:
    """Return what matches a token; the second time, what it was the first time."""
    if name in taken:
        return f"(?P={name})"
    taken.add(name)
    return _DIGITS[name]


def begin_of(moment: datetime, unit: Unit) -> datetime:
    """Return when the year, month, day, hour or minute of a moment began."""
    parts = [moment.year, moment.month, moment.day, moment.hour, moment.minute]
    kept = [*parts[:unit], *[1, 1, 1, 0, 0][unit:]]
    year, month, day, hour, minute = kept
    return datetime(
        year, month, day, hour, minute, tzinfo=moment.tzinfo, fold=moment.fold
    )


def moment_of(match: re.Match[str]) -> dict[str, int] | None:
    """Return year, month and so on of a path that matched; None without any."""
    found = {key: int(value) for key, value in match.groupdict().items()}
    if not found:
        return None
    year = found.get("yyyy", 2000 + found.get("yy", 0))
    return {
        "year": year,
        "month": found.get("mm", 1),
        "day": found.get("dd", 1),
        "hour": found.get("hh", 0),
        "minute": found.get("min", 0),
    }
