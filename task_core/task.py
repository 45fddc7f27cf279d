"""The task itself: a tiny record of what to do and, later, of how it went.

With what its texts hold: meta, a URL query string, and RFC 3339 dates.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from task_core.clock import Clock, SystemClock, new_id
from task_core.errors import DecodeError, excerpt, half_character
from task_core.uri import quote_plus, split_query

_SYSTEM = SystemClock()
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d{1,40}))?([Zz]|[+-]\d\d:[0-5]\d)",
    re.ASCII,
)


class Result(StrEnum):
    """How a task went. An empty `Task.result` means: not finished."""

    COMPLETE = "complete"
    ERROR = "error"
    """Failed; running it again may help."""
    ALERT = "alert"
    """Failed; do not retry, tell a person now."""
    WARN = "warn"
    """Not critical; do not retry."""


class Task(
    msgspec.Struct,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,  # holds nothing but text, and two million a second are made
):
    """What to do (`type`, `info`) and how it went (`result`, `msg`).

    The order of the fields is the order of the keys on the wire. Dates are the text
    that was read or written (RFC 3339); `moment` turns one into a `datetime`.

    Args:
        type: Which worker does it; usually also the topic.
        job: Sub-kind of a type.
        info: What to work on, most often a URI.
        created, started, ended: RFC 3339 dates, or empty.
        id: One id may be shared by a task, its retries and its children.
        meta: A URL query string; see `parse_meta`.
        result: A `Result`, or empty while the task is not done.
        msg: What the worker says about the result.
    """

    type: str
    job: str = ""
    info: str
    created: str = ""
    id: str = ""
    meta: str = ""
    result: str = ""
    msg: str = ""
    started: str = ""
    ended: str = ""

    @classmethod
    def new(
        cls,
        type: str,
        info: str = "",
        *,
        job: str = "",
        meta: "str | Mapping[str, str | Iterable[str]]" = "",
        id: str | None = None,
        clock: Clock = _SYSTEM,
    ) -> "Task":
        """Create a task that is to be done.

        Args:
            type, info, job: As on the class.
            meta: As on the class, or its keys and values.
            id: Give the id of a parent to chain; a new one otherwise (UUID 7).
            clock: Where `created` comes from.

        Example:
            >>> task = Task.new("hello", "world", id="7")
            >>> (task.type, task.info, task.id, task.result)
            ('hello', 'world', '7', '')
        """
        return cls(
            type=type,
            job=job,
            info=info,
            created=clock.stamp(),
            id=new_id() if id is None else id,
            meta=_meta_text(meta),
        )

    def start(self, clock: Clock = _SYSTEM) -> None:
        """Stamp the begin of work; a second call stamps again."""
        self.started = clock.stamp()

    def end(self, result: str, msg: str = "", clock: Clock = _SYSTEM) -> None:
        """Record the result and stamp the end of work."""
        self.result = str(result)
        self.msg = msg
        self.ended = clock.stamp()

    def moment(self, field: str) -> datetime | None:
        """Return `created`, `started` or `ended` in UTC, or None when it is empty.

        Raises:
            ValueError: The field holds no date; tasks from the wire always do.
        """
        text = getattr(self, field)
        return parse_date(text) if text else None


def _meta_text(meta: str | Mapping[str, str | Iterable[str]]) -> str:
    if isinstance(meta, str):
        return meta
    try:
        if isinstance(meta, Mapping):
            return format_meta(meta)
    except UnicodeEncodeError as error:
        raise TypeError(f"meta: {half_character(error.object)}") from None
    except (TypeError, AttributeError):
        pass
    raise TypeError(f"meta is a text or a mapping of texts, not {meta!r}")


def parse_meta(text: str) -> dict[str, list[str]]:
    """Read a meta string into key -> values.

    The Go system percent-decodes what it writes, so a stray `%` or `=` is text here.

    Example:
        >>> parse_meta("file=a%26b&n=1&n=2")
        {'file': ['a&b'], 'n': ['1', '2']}
    """
    values: dict[str, list[str]] = {}
    for key, value in split_query(text):
        values.setdefault(key, []).append(value)
    return values


def format_meta(values: Mapping[str, str | Iterable[str]]) -> str:
    """Write key -> value(s) as a meta string: sorted by key, percent-encoded.

    Example:
        >>> format_meta({"n": ["1", "2"], "file": "a&b"})
        'file=a%26b&n=1&n=2'
    """
    return "&".join(
        f"{quote_plus(key)}={quote_plus(value)}"
        for key in sorted(values)
        for value in _as_list(values[key])
    )


def merge_meta(meta: str, changes: Mapping[str, str | Iterable[str]]) -> str:
    """Put a worker's values into a task's meta: its keys replace, others are kept.

    Example:
        >>> merge_meta("key=abc&name=test", {"key": "xyz", "count": "10"})
        'count=10&key=xyz&name=test'
    """
    return format_meta({**parse_meta(meta), **changes})


def _as_list(value: str | Iterable[str]) -> Iterable[str]:
    return (value,) if isinstance(value, str) else value


def parse_date(text: str) -> datetime:
    """Read an RFC 3339 date and return it in UTC.

    Fractions beyond microseconds are cut off; a leap second (`:60`) counts as the
    second before it, because `datetime` has none.

    Raises:
        ValueError: The text is no RFC 3339 date, or of the year 0.

    Example:
        >>> parse_date("2017-01-01T01:00:01.5+01:00").isoformat()
        '2017-01-01T00:00:01.500000+00:00'
    """
    # fromisoformat reads much more than RFC 3339; the shape is checked first.
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 date: {text[:40]!r:.60}")
    day, minute, second, fraction, offset = match.groups()
    second = "59" if second == "60" else second
    plain = f"{day}T{minute}:{second}.{(fraction or '')[:6]:0<6}{offset.upper()}"
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        raise ValueError(f"not an RFC 3339 date: {text[:40]!r:.60}") from None
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # a day beyond the calendar's ends; its own offset must do
        return moment


def parse_moment(text: str) -> datetime:
    """Read a date that a person gives, as `parse_date`; the error has an example."""
    try:
        return parse_date(text)
    except ValueError:
        like, hint = "2026-01-02T03:04:05Z", " (+ is %2B in a URL)" * (" " in text)
        text = f"not an RFC 3339 date like {like}: {excerpt(text)}{hint}"
        raise ValueError(text) from None


def topic_of(task: Task) -> str:
    """Return the topic of a task for which nobody named one: its type.

    A type comes from data, and topics may be paths: it must not lead out of a folder.

    Raises:
        DecodeError: It would.
    """
    kind = task.type
    if "/" in kind and (kind[0] == "/" or ".." in kind.split("/")):
        text = f"type {excerpt(kind)} would lead out of the folder of a bus of files"
        raise DecodeError(f"{text}: name a topic")
    return kind
