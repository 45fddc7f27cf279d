"""What a worker declares of its runs; flags, environment and TOML are stronger."""

from datetime import timedelta
from typing import Any

import attrs

from task_core.values import parse_size, parse_wait


def _count(value: Any, name: str = "retries") -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise TypeError(f"{name}: a whole number is wanted, not {value!r}")
    if value is not None and value < 0:
        raise ValueError(f"{name}: must not be negative: {value}")
    return value


def _seconds(name: str, value: Any, least: float = 0.0) -> float | None:
    """Return a duration in seconds; a number alone says nothing of its unit."""
    if value is None or isinstance(value, timedelta):
        seconds = None if value is None else value.total_seconds()
    elif isinstance(value, str):
        try:
            seconds = parse_wait(value).total_seconds()
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    else:
        raise TypeError(f"{name}: a text like '10s' is wanted, not {value!r}")
    if seconds is not None and seconds < least:
        rule = "be more than 0s" if least else "not be negative"
        raise ValueError(f"{name}: must {rule}")
    return seconds


def _retry_delay(value: Any) -> float | None:
    return _seconds("retry_delay", value)


def _timeout(value: Any) -> float | None:
    return _seconds("timeout", value, 1e-6)


def _pool(value: Any) -> str | None:
    if value not in (None, "thread", "process"):
        raise ValueError(f"pool: 'thread' or 'process' is wanted, not {value!r}")
    return None if value is None else str(value)


def _child_tasks(value: Any) -> int | None:
    return _count(value, "max_tasks_per_child")


def _child_memory(value: Any) -> int | None:
    """Return a size in bytes; a number alone says nothing of its unit."""
    if value is None:
        return None
    if not isinstance(value, str):
        text = f"max_memory_per_child: a text like '512M' is wanted, not {value!r}"
        raise TypeError(text)
    try:
        return parse_size(value)
    except ValueError as error:
        raise ValueError(f"max_memory_per_child: {error}") from None


def _exceptions(value: Any) -> tuple[type[BaseException], ...]:
    kinds = value if isinstance(value, tuple) else (value,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TypeError(f"retry_on: classes of exceptions are wanted, not {kind!r}")
    return kinds


def _topic(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"topic: a text is wanted, not {value!r}")
    return value


@attrs.frozen(kw_only=True)
class RunDefaults:
    """What holds for the runs of a worker where nothing else is said.

    Args:
        retries: How often a task that fails runs again.
        retry_delay: Before the second run, in seconds; given as `"10s"` or `timedelta`.
        retry_on: Exceptions after which it runs again; all of them when empty.
        timeout: Seconds that a run may take; given as `"5m"` or `timedelta`.
        topic: What is read; the type of the tasks when empty.
        pool: `"process"` runs it in child processes, `"thread"` in this one.
        max_tasks_per_child: Tasks after which such a process is replaced.
        max_memory_per_child: Memory after which it is; given as `"512M"`.

    Raises:
        TypeError, ValueError: One of them makes no sense; the text names it.

    Example:
        >>> RunDefaults(retries=3, timeout="5m").settings
        {'retries': 3, 'timeout': 300.0}
        >>> RunDefaults(timeout=300)
        Traceback (most recent call last):
        TypeError: timeout: a text like '10s' is wanted, not 300
    """

    retries: int | None = attrs.field(default=None, converter=_count)
    retry_delay: float | None = attrs.field(default=None, converter=_retry_delay)
    retry_on: tuple[type[BaseException], ...] = attrs.field(
        default=(), converter=_exceptions
    )
    timeout: float | None = attrs.field(default=None, converter=_timeout)
    topic: str = attrs.field(default="", converter=_topic)
    pool: str | None = attrs.field(default=None, converter=_pool)
    max_tasks_per_child: int | None = attrs.field(default=None, converter=_child_tasks)
    max_memory_per_child: int | None = attrs.field(
        default=None, converter=_child_memory
    )

    @property
    def settings(self) -> dict[str, Any]:
        """What is declared, by name."""
        declared = attrs.asdict(self, recurse=False)
        return {k: v for k, v in declared.items() if v not in (None, "", ())}
