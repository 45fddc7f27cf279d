"""Takes values out of a TOML table, and gathers what is wrong with them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from task_taskmaster_cron.schedule import nearest

T = TypeVar("T")


class Table:
    """One table, whose keys are taken one by one.

    Args:
        values: What the file says.
        problems: What was wrong so far, one line each.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.problems: list[str] = []
        self._values = values
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def take(self, key: str, read: Callable[[Any], T], default: T) -> T:
        """Return a value as `read` gives it, or the default.

        Args:
            key: Its name.
            read: Raises `ValueError` when it is wrong.
            default: Used when it is not there, or wrong.
        """
        self._known.append(key)
        if key not in self._values:
            return default
        try:
            return read(self._values[key])
        except ValueError as error:
            self.problems.append(f"{key} {error}")
            return default

    def require(self, key: str) -> str:
        """Return a text that must be there, and must not be empty."""
        if key not in self._values:
            self.problems.append(f"{key} is required")
        return self.take(key, filled, "")

    def finish(self) -> None:
        """Note the keys that nobody took."""
        self.problems += [
            f"unknown key {key!r}{nearest(key, self._known)}"
            for key in self._values
            if key not in self._known
        ]


def text(value: Any) -> str:
    """Return a text as it is."""
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {value!r}")  # noqa: TRY004  wrong value
    return value


def filled(value: Any) -> str:
    """Return a text that is not empty, without blanks around it."""
    if not text(value).strip():
        raise ValueError("must not be empty")
    return text(value).strip()


def scalars(value: Any) -> dict[str, str]:
    """Return a table of single values as texts, written as TOML writes them."""
    if not isinstance(value, dict):
        raise ValueError(f"must be a table, not {value!r}")  # noqa: TRY004  as above
    for key, item in value.items():
        if not isinstance(item, str | bool | int | float):
            problem = f"takes texts, numbers, true and false; {key} is {item!r}"
            raise ValueError(problem)  # noqa: TRY004  as above
    return {key: _written(item) for key, item in value.items()}


def _written(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
