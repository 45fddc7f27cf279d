"""A TOML file: its values, where they stand, and what is wrong with them."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from task_rules.lines import Path, find_lines
from task_rules.table import Problem, Table

_WHERE = re.compile(r"(.*) \(at line (\d+), column \d+\)", re.DOTALL)


class Document:
    """One file; what is wrong with its tables is gathered here.

    Args:
        name: What problems call it.
        content: Its text. When that is no TOML there are no values, and one problem.
    """

    def __init__(self, name: str, content: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.values: Mapping[str, Any] = {}
        self._lines: Mapping[Path, int] = {}
        try:
            self.values = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            self.problems.append(_broken(str(error)))
        except ValueError as error:  # a number of thousands of digits
            self.problems.append(_broken(str(error).partition(";")[0]))
        except RecursionError:
            self.problems.append(Problem("it is nested too deeply"))
        else:
            self._lines = find_lines(content)

    @property
    def root(self) -> Table:
        """The keys above the first header; only once, as it notes unknown ones."""
        return self._table((), self.values, "")

    def table(self, key: str) -> Table | None:
        """Return the table `[key]`, None when it is not there."""
        values = self.values.get(key)
        if values is None:
            return None
        if isinstance(values, dict):
            return self._table((key,), values, "")
        self.note(f"{key} must be a table: write [{key}]", key)
        return None

    def tables(self, key: str) -> list[Table]:
        """Return the tables `[[key]]`; when they are written otherwise that is noted.

        Args:
            key: Its name, as it is written in this file.
        """
        values = self.values.get(key, [])
        if not isinstance(values, list) or not all(
            isinstance(it, dict) for it in values
        ):
            self.note(f"{key}s are tables: write [[{key}]] above each of them", key)
            return []
        return [
            self._table((key, number), table, f"{key} {number + 1}")
            for number, table in enumerate(values)
        ]

    def note(self, text: str, *path: str | int, serious: bool = True) -> None:
        """Note a problem, with the line of what it is about."""
        self.problems.append(Problem(text, self._line(path), serious=serious))

    @property
    def usable(self) -> bool:
        """Whether nothing serious is wrong with it."""
        return not any(problem.serious for problem in self.problems)

    def told(self, *, serious: bool = False) -> list[str]:
        """Return all problems, in the order of the file, each with its place.

        Args:
            serious: Only those with which it cannot be used.
        """
        ordered = sorted(self.problems, key=lambda problem: problem.line)
        return [it.told(self.name) for it in ordered if it.serious or not serious]

    def _table(self, path: Path, values: Mapping[str, Any], name: str) -> Table:
        lines = {key: self._line((*path, key)) for key in values}
        return Table(
            values, self.problems, name=name, line=self._line(path), lines=lines
        )

    def _line(self, path: Path) -> int:
        """Return where it stands, or what it is in; 0 when that is not known."""
        return next((self._lines[it] for it in _outwards(path) if it in self._lines), 0)


def _outwards(path: Path) -> Iterator[Path]:
    for end in range(len(path), 0, -1):
        yield path[:end]


def _broken(text: str) -> Problem:
    match = _WHERE.fullmatch(text)
    reason, line = (match[1], int(match[2])) if match else (text, 0)
    return Problem(f"this is no TOML: {reason}", line)
