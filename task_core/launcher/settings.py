"""What a program may say of a launcher: each setting is read and checked by itself."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, get_args

import attrs

from task_core.dead import is_dead_topic
from task_core.errors import UsageError, nearest
from task_core.values import parse_size, parse_wait

MOMENT = 1e-6
"""The shortest time, where none makes no sense."""


def _wanted(name: str, what: str, value: Any) -> TypeError:
    return TypeError(f"{name}: {what} is wanted, not {value!r}")


def _check_least(name: str, value: float, least: float, rule: str) -> None:
    if not value >= least:  # which is neither true of what is no number
        raise UsageError(f"{name}: must {rule if least else 'not be negative'}")


def _count(name: str, value: Any, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wanted(name, "a whole number", value)
    _check_least(name, value, least, f"be at least {least}, not {value}")
    return value


def _number(name: str, value: Any, wanted: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wanted(name, wanted, value)
    return float(value)


def _seconds(name: str, value: Any, least: float = 0.0) -> float:
    """Read a time: with its unit, or in seconds."""
    if isinstance(value, str):
        value = _parsed(name, parse_wait, value)
    if isinstance(value, timedelta):
        value = value.total_seconds()
    seconds = _number(name, value, "a text like '10s' or a number of seconds")
    _check_least(name, seconds, least, "be more than 0s")
    return seconds


def _bytes(name: str, value: Any) -> int:
    """Read a size: with its unit, or in bytes."""
    if isinstance(value, str):
        return int(_parsed(name, parse_size, value))
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wanted(name, "a text like '512M' or a number of bytes", value)
    return _count(name, value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wanted(name, "a text", value)
    return value


def _open_text(name: str, value: Any) -> str:
    """Read a name that may be left open."""
    return "" if value is None else _text(name, value)


def _dead_topic(name: str, value: Any) -> str:
    topic = _open_text(name, value)
    if topic and not is_dead_topic(topic):
        rule = f"a dead topic ends in .dead, for example {topic}.dead"
        raise UsageError(f"{name}: {rule}")
    return topic


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wanted(name, "True or False", value)
    return value


def _exceptions(name: str, value: Any) -> tuple[type[BaseException], ...]:
    kinds = value if isinstance(value, tuple) else (value,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TypeError(f"{name}: classes of exceptions are wanted, not {kind!r}")
    return kinds


def _one_of(name: str, value: Any, kind: type[StrEnum]) -> StrEnum:
    if value not in [*kind]:
        raise UsageError(f"{name}: {value!r} is none of {', '.join(kind)}")
    return kind(value)


def _parsed(name: str, parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None


def number_or(parse: Callable[[str], float], name: str, value: Any) -> float:
    """Return a number that is not negative, or what a text says.

    Args:
        parse: Reads the text; a ValueError says why it cannot.
        name: Of the setting.
        value: What was given.

    Raises:
        TypeError, UsageError: It is neither.
    """
    if isinstance(value, str):
        return float(_parsed(name, parse, value))
    number = _number(name, value, "a text or a number")
    _check_least(name, number, 0, "")
    return number


_FROM_1 = partial(_count, least=1)
_SOME_TIME = partial(_seconds, least=MOMENT)

_READERS: dict[str, Callable[[str, Any], Any]] = {
    "topic": _open_text,
    "channel": _open_text,
    "done_topic": _text,
    "dead_topic": _dead_topic,
    "concurrency": _FROM_1,
    "max_tasks_per_child": _count,
    "max_memory_per_child": _bytes,
    "prefetch": _count,
    "max_task_bytes": _bytes,
    "pause_on_errors": _count,
    "max_tasks": _count,
    "drain": _flag,
    "kill_time": _seconds,
    "lease": _SOME_TIME,
    "max_attempts": _FROM_1,
    "retries": _count,
    "retry_delay": _seconds,
    "retry_on": _exceptions,
    "timeout": _SOME_TIME,
    "max_leaked": _count,
}


def with_readers(_: type, fields: list[Any]) -> list[Any]:
    """Let each field of a plan read what it is given (a hook of attrs)."""
    return [field if field.converter else _with_reader(field) for field in fields]


def _with_reader(field: Any) -> Any:
    kinds = [
        kind
        for kind in (field.type, *get_args(field.type))
        if isinstance(kind, type) and issubclass(kind, StrEnum)
    ]
    read = partial(_one_of, kind=kinds[0]) if kinds else _READERS[field.name]
    return field.evolve(converter=partial(_read, field, read))


def _read(field: Any, read: Callable[[str, Any], Any], value: Any) -> Any:
    if value is None and field.default is None:
        return None
    return read(field.name, value)


def refuse_unknown(names: Iterable[str], plan: type) -> None:
    """Refuse settings that a launcher does not have.

    Args:
        names: Those that were given.
        plan: The class that has all of them.

    Raises:
        TypeError: There is no such setting; the text names the nearest.
    """
    known = [*attrs.fields_dict(plan), "options"]
    for name in names:
        if name not in known:
            hint = nearest(name, known) or f"; it has {', '.join(known)}"
            raise TypeError(f"a launcher has no setting '{name}'{hint}")
