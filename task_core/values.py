"""Text <-> typed values, as info strings, options and statistics write them."""

import math
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, get_args, get_origin

from task_core.errors import excerpt
from task_core.task import parse_moment

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_SIZE = re.compile(
    r"(\d{1,12}(?:\.\d{1,12})?)([KMGT])(?:i?B)?", re.ASCII | re.IGNORECASE
)
_WHOLE = re.compile(r"[+-]?\d{1,300}", re.ASCII)
_LONGEST = 300  # characters of a duration: searching takes their square
LONGEST_WAIT = timedelta(days=36525)  # a century: clocks and threads end beyond


def parse_duration(text: str) -> timedelta:
    """Read a duration as Go writes it (`1h30m`, `-24h`, `10ms`), or nanoseconds.

    Precise to the microsecond; what is finer is cut off. There is no unit for days.

    Raises:
        ValueError: The text is no duration.

    Example:
        >>> parse_duration("1h30m").total_seconds()
        5400.0
    """
    body = text[1:] if text[:1] in ("-", "+") else text
    parts = _DURATION_PART.findall(body) if len(body) <= _LONGEST else []
    if _WHOLE.fullmatch(text):
        nanoseconds = int(body)
    elif body and "".join(number + unit for number, unit in parts) == body:
        nanoseconds = sum(_scale(number, _UNITS[unit]) for number, unit in parts)
    else:
        raise ValueError(f"not a duration like 10s or 1h30m: {excerpt(text)}")
    sign = -1 if text.startswith("-") else 1
    try:
        return timedelta(microseconds=sign * (nanoseconds // 1000))
    except OverflowError:
        raise ValueError(f"too long a duration: {excerpt(text)}") from None


def parse_wait(text: str) -> timedelta:
    """Read a duration that a person gives: with a unit, from nothing to a century.

    Raises:
        ValueError: It is none.

    Example:
        >>> parse_wait("1m30s").total_seconds()
        90.0
    """
    duration = _parse_with_unit(text)
    if duration < timedelta(0):
        raise ValueError(f"must not be negative: {excerpt(text)}")
    if duration > LONGEST_WAIT:
        raise ValueError(f"longer than 100 years: {excerpt(text)}")
    return duration


def _parse_with_unit(text: str) -> timedelta:
    if _WHOLE.fullmatch(text) and int(text):
        # Go takes it for nanoseconds, everybody else for seconds.
        example = f"{text.strip('+-')[:9]}s"
        raise ValueError(f"{text[:20]} of what? Give a unit, for example {example}")
    return parse_duration(text)


def parse_size(text: str) -> int:
    """Read a number of bytes that a person gives: with a unit, in powers of 1024.

    Raises:
        ValueError: It is none.

    Example:
        >>> parse_size("512M"), parse_size("1.5GiB")
        (536870912, 1610612736)
    """
    match = _SIZE.fullmatch(text)
    if not match:
        hint = f"{text[:20]} of what? Give a unit, for example {text[:9]}M"
        raise ValueError(
            hint if _WHOLE.fullmatch(text) else f"not a size like 512M: {excerpt(text)}"
        )
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper()))


def _scale(number: str, unit: int) -> int:
    """Multiply a decimal number by a unit, exactly."""
    whole, _, fraction = number.partition(".")
    part: int = int(fraction or 0) * unit // 10 ** len(fraction)
    return int(whole or 0) * unit + part


def format_duration(duration: timedelta) -> str:
    """Write a duration as Go does.

    Example:
        >>> format_duration(timedelta(minutes=90, milliseconds=500))
        '1h30m0.5s'
    """
    micros: int = duration // timedelta(microseconds=1)
    sign, micros = "-" if micros < 0 else "", abs(micros)
    if micros == 0:
        return "0s"
    if micros < 1_000:
        return f"{sign}{micros}µs"
    if micros < 1_000_000:
        return f"{sign}{_trim(micros, 1_000)}ms"
    minutes, rest = divmod(micros, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{head}{_trim(rest, 1_000_000)}s"


def _trim(number: int, unit: int) -> str:
    """Divide by a power of ten, exactly and without zeros at the end."""
    whole, rest = divmod(number, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def parse_bool(text: str) -> bool:
    """Read a flag of an info string: blank and `true` are true, all else is false."""
    return text == "" or text.lower() == "true"


def _parse_switch(text: str) -> bool:
    if text.lower() not in ("", "true", "false"):
        raise ValueError(f"neither true nor false: {excerpt(text)}")
    return parse_bool(text)


def _parse_int(text: str) -> int:
    if text.isdigit() and text.isascii() and len(text) < _LONGEST:
        return int(text)
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"not a whole number: {excerpt(text)}")
    return int(text)


def _parse_float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"not a number: {excerpt(text)}") from None
    overflow = math.isinf(number) and "i" not in text.lower()
    if math.isnan(number) or overflow or "_" in text or text != text.strip():
        raise ValueError(f"not a number: {excerpt(text)}")
    return number


def _enum_reader(kind: type[Enum]) -> Callable[[str], Enum]:
    by_text = {str(member.value): member for member in kind}

    def read(text: str) -> Enum:
        if text not in by_text:
            raise ValueError(f"{excerpt(text)} is none of {', '.join(by_text)}")
        return by_text[text]

    return read


def _date_reader(layout: str) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        try:
            moment = datetime.strptime(text, layout)  # noqa: DTZ007  zone: see below
        except ValueError:
            raise ValueError(f"not a date like {layout}: {excerpt(text)}") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    return read


_READERS: dict[type, Callable[[str], Any]] = {
    str: str,
    bool: parse_bool,
    int: _parse_int,
    float: _parse_float,
    timedelta: parse_duration,
    datetime: parse_moment,
}
_STRICT_READERS = {**_READERS, bool: _parse_switch, timedelta: _parse_with_unit}


def reader(
    kind: Any, layout: str = "", strict: bool = False
) -> Callable[[str], Any] | None:
    """Return what reads text into a single value of a type; None for other types.

    Args:
        kind: `str bool int float Path timedelta datetime` or an `Enum`.
        layout: A `strptime` format for dates that are not RFC 3339.
        strict: Refuse a `bool` that is neither true nor false, and a duration that is
            a bare number; otherwise they are read as Go does.
    """
    if kind is datetime and layout:
        return _date_reader(layout)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_reader(kind)
    return (
        kind if is_path(kind) else (_STRICT_READERS if strict else _READERS).get(kind)
    )


def is_path(kind: Any) -> bool:
    """Whether a type is one of paths: told without the import of `pathlib`."""
    return isinstance(kind, type) and issubclass(kind, os.PathLike)


def write(value: Any, layout: str = "") -> str:
    """Write a single value so that `reader` reads it back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, datetime):
        return value.strftime(layout) if layout else _write_date(value)
    return str(value)


def _write_date(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


LISTS = (list, tuple, Sequence)
"""What a list of values may be annotated with."""


def texts_reader(
    kind: Any, layout: str = "", strict: bool = False
) -> Callable[[list[str]], Any] | None:
    """Return what turns the texts of a repeated key into a value; None if none can.

    A list is separated by commas, a map is `key:value|key:value`, and each may go on
    in the next text. Of a single value the first text counts.

    Args:
        kind: What `reader` takes, a list or tuple of it, or a `dict[str, ...]` of them.
        layout, strict: As for `reader`.
    """
    origin, args = get_origin(kind), get_args(kind)
    if origin is dict and args[0] is str:
        return _map_reader(texts_reader(args[1], layout, strict))
    if origin in LISTS and (origin is not tuple or args[1:] == (...,)):
        one = reader(args[0], layout, strict)
        return one and _list_reader(one, tuple if origin is tuple else list)
    one = reader(kind, layout, strict)
    return one and _first_reader(one)


def _first_reader(read: Callable[[str], Any]) -> Callable[[list[str]], Any]:
    return lambda texts: read(texts[0])


def _list_reader(read: Callable[[str], Any], build: type) -> Callable[[list[str]], Any]:
    return lambda texts: build(read(item) for text in texts for item in _items(text))


def _items(text: str) -> list[str]:
    return text.split(",") if text else []


def _map_reader(
    read: Callable[[list[str]], Any] | None,
) -> Callable[[list[str]], Any] | None:
    if read is None:
        return None

    def read_map(texts: list[str]) -> dict[str, Any]:
        values: dict[str, str] = {}
        for pair in (pair for text in texts for pair in text.split("|")):
            key, colon, value = pair.partition(":")
            if not colon:
                raise ValueError(f"not a map like key:value|key:value: {pair!r}")
            values[key] = value  # of a key that comes twice the last one counts
        return {key: read([value]) for key, value in values.items()}

    return read_map
