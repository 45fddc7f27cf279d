"""Takes values out of a TOML table, and gathers what is wrong with them."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import attrs

from task_rules.names import nearest

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


@attrs.frozen
class Problem:
    """Something that is wrong with a file.

    Args:
        text: What it is, and what to do.
        line: Where it is, from 1; 0 when that is not known.
        within: Which of several tables it is in, as `rule 2`.
        serious: Whether the file cannot be used with it.
    """

    text: str
    line: int = 0
    within: str = ""
    serious: bool = True

    def told(self, name: str) -> str:
        """Return it as one line, with its place in the file of that name."""
        line = f", line {self.line}" if self.line else ""
        within = f" ({self.within})" if self.within else ""
        return f"{name}{line}{within}: {self.text}"


class Table:
    """One table, whose keys are taken one by one.

    Args:
        values: What the file says.
        problems: Where to note what is wrong.
        name: What problems call it, as `rule 2`.
        line: Where it begins.
        lines: Where each key stands.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        problems: list[Problem] | None = None,
        *,
        name: str = "",
        line: int = 0,
        lines: Mapping[str, int] | None = None,
    ) -> None:
        self.name = name
        self.line = line
        self.problems: list[Problem] = []
        self._shared = problems
        self._values = dict(values)
        self._lines = dict(lines or {})
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
            self.note(f"{key} {error}", key)
            return default

    def require(self, key: str) -> str:
        """Return a text that must be there, and must not be empty."""
        if key not in self._values:
            self.note(f"{key} is required")
        return self.take(key, filled, "")

    def note(self, text: str, key: str = "", *, serious: bool = True) -> None:
        """Note a problem, with the line of a key or of the table."""
        problem = Problem(text, self.line_of(key), self.name, serious)
        self.problems.append(problem)
        if self._shared is not None:
            self._shared.append(problem)

    def sub(self, key: str) -> "Table | None":
        """Return the table that is the value of a key, None when there is none."""
        values = self.take(key, mapping, None)
        if values is None:
            return None
        line = self.line_of(key)
        name = f"{self.name}, {key}" if self.name else key
        lines = dict.fromkeys(values, line)
        return Table(values, self._shared, name=name, line=line, lines=lines)

    def fold(self, names: Iterable[str]) -> None:
        """Let keys count in any case: afterwards they have the case of `names`."""
        known = {name.lower(): name for name in names}
        for key in [key for key in self._values if key.lower() in known]:
            name = known[key.lower()]
            if name != key and name not in self._values:
                self._values[name] = self._values.pop(key)
                self._lines[name] = self._lines.pop(key, self.line)

    def add(self, values: Mapping[str, Any], key: str) -> None:
        """Add values that the text of a key stands for; noted if there are some."""
        for name, value in values.items():
            if name in self._values:
                self.note(f"{name} stands in {key}, too: leave one of them out", name)
                continue
            self._values[name] = value
            self._lines[name] = self.line_of(key)

    def line_of(self, key: str) -> int:
        """Return where a key stands; the table itself when it has none of that name."""
        return self._lines.get(key) or self.line

    def finish(self) -> None:
        """Note the keys that nobody took."""
        for key in self._values:
            if key not in self._known:
                self.note(f"unknown key {key!r}{nearest(key, self._known)}", key)


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


def file_name(value: Any) -> str:
    """Return a text that may be the name of a file, as it is."""
    if "\0" in text(value):
        raise ValueError("has a NUL character, which no name of a file may have")
    return text(value)


def texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts; one text stands for a list of it."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError(f"must be text or a list of texts, not {value!r}")  # noqa: TRY004
    return tuple(filled(item) for item in items)


def mapping(value: Any) -> dict[str, Any]:
    """Return a table as it is."""
    if not isinstance(value, dict):
        raise ValueError(f"must be a table, not {value!r}")  # noqa: TRY004  as above
    return value


def flag(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")  # noqa: TRY004
    return value


def whole(value: Any, *, least: int = 0) -> int:
    """Return a whole number that is not too small."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"must be a whole number from {least} on, not {value!r}")
    return value


def one_of(kind: type[E]) -> Callable[[Any], E]:
    """Return what reads a text that must be one of a few."""

    def read(value: Any) -> E:
        names = [member.value for member in kind]
        if value not in names:
            raise ValueError(f"is one of {', '.join(names)}, not {value!r}")
        return kind(value)

    return read


def scalars(value: Any) -> dict[str, str]:
    """Return a table of single values as texts, written as TOML writes them."""
    return {key: scalar(item, key) for key, item in mapping(value).items()}


def scalar(value: Any, key: str) -> str:
    """Return a single value as text, written as TOML writes it."""
    if not isinstance(value, str | bool | int | float):
        problem = f"takes texts, numbers, true and false; {key} is {value!r}"
        raise ValueError(problem)  # noqa: TRY004  as above
    return str(value).lower() if isinstance(value, bool) else str(value)
