"""The info of a task: a template, filled in for a file or for a group of files."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from task_rules.template import expand

from task_taskmaster_files.file import File

ONE = (
    "file",
    "filename",
    "dir",
    "size",
    "checksum",
    "created",
    "version",
    "lines",
    "bytes",
    "src_path",
    "stats",
    "src_stats",
    "linecnt",
    "bytecnt",
    "watch_file",
)
"""Tokens of a task for one file; those from `src_path` on are Go's."""
MANY = ("dir", "group", "count", "size", "manifest", "src_path")
"""Tokens of a task for a group."""
DATES = (
    "yyyy",
    "yy",
    "mm",
    "dd",
    "hh",
    "min",
    "ts",
    "hour_slug",
    "slug",
    "day_slug",
    "month_slug",
)
OTHERS = ("host", "pod", "uuid")
_ANY = datetime(1970, 1, 1, tzinfo=UTC)
_TOKEN = re.compile(r"\{(\w+)\}")
_HARMFUL = re.compile(r"[%?#\x00-\x1f\x7f]")
"""What a path cannot have within an URI."""


def names_in(template: str) -> list[str]:
    """Return the tokens of a template, in lower case."""
    return [match[1].lower() for match in _TOKEN.finditer(template)]


def wants_date(template: str) -> bool:
    """Whether a template has tokens that only a date can fill."""
    return any(name in DATES for name in names_in(template))


def wants_manifest(template: str) -> bool:
    """Whether a list of the files is to be written."""
    return "manifest" in names_in(template)


def fill(
    template: str,
    values: Mapping[str, str],
    moment: datetime | None,
    meta: Mapping[str, str],
) -> str:
    """Return the info.

    What a value has of `?`, `#`, `%` and the like is percent-encoded, so that a file's
    name stays one: in a path as little as need be, in a query all that it needs.

    Args:
        template: As the rule says.
        values: Of the tokens.
        moment: Of the date tokens; None when there is none.
        meta: Of the `{meta:key}` tokens.
    """
    if moment is None and not wants_date(template):
        moment = _ANY  # without one, `{host}` and the like would stay as they are
    text = expand(template, moment, meta)
    query = text.find("?")
    cut = len(text) if query < 0 else query

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1].lower())
        if found is None:
            return match[0]
        if match[1].lower() in ("stats", "src_stats"):
            return found
        return in_path(found) if match.start() < cut else in_query(found)

    return _TOKEN.sub(value, text)


def in_path(text: str) -> str:
    """Return text as it may stand in the path of an URI.

    Example:
        >>> in_path("50% off?.csv")
        '50%25 off%3F.csv'
    """
    return _HARMFUL.sub(lambda match: quote(match[0]), text)


def in_query(text: str) -> str:
    """Return text as it may stand in the query of an URI.

    Example:
        >>> in_query("s3://b/a&b.csv")
        's3://b/a%26b.csv'
    """
    return quote(text, safe="/:@,-._~()'!*$")


def values_of(file: File) -> dict[str, str]:
    """Return what the tokens of one file stand for."""
    values = {
        "file": file.path,
        "filename": file.name,
        "dir": file.folder,
        "size": _number(file.size),
        "checksum": file.checksum,
        "created": date_text(file.created),
        "version": file.version,
        "lines": _number(file.lines),
        "bytes": _number(file.bytes),
    }
    stats = stats_of(file)
    return values | {
        "src_path": file.path,
        "watch_file": file.path,
        "linecnt": values["lines"],
        "bytecnt": values["bytes"],
        "stats": stats,
        "src_stats": stats,
    }


def stats_of(file: File) -> str:
    """Return the facts of a file as a query, as Go's taskmaster writes them."""
    pairs: dict[str, str] = {
        "bytecnt": _number(file.bytes),
        "checksum": file.checksum,
        "created": date_text(file.created),
        "linecnt": _number(file.lines),
        "size": _number(file.size),
    }
    return "&".join(f"{key}={in_query(text)}" for key, text in pairs.items() if text)


def date_text(moment: datetime | None) -> str:
    """Return a moment as the wire has it, empty without one."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
