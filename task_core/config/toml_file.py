"""The TOML file: its tables as layers, each value with its line."""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from task_core.config.sources import COMMON, Layer, Raw, Section
from task_core.config.toml_lines import line_of, line_of_table
from task_core.errors import OptionError, nearest


class TomlFile:
    """A TOML file.

    Args:
        path: Its path, for messages.
        text: What it holds.

    Raises:
        OptionError: It is no TOML; the text says where.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._text = text
        try:
            self._data = tomllib.loads(text)
        except ValueError as error:
            raise OptionError([f"{path} is no TOML: {error}"]) from None
        except RecursionError:
            raise OptionError([f"{path} is no TOML: nested too deeply"]) from None

    @classmethod
    def read(cls, path: str) -> "TomlFile":
        """Read a file.

        Raises:
            OptionError: It cannot be read, or is no TOML.
        """
        try:
            with open(path, encoding="utf-8-sig") as file:
                return cls(path, file.read())
        except OSError as error:
            raise OptionError([f"cannot read {path}: {error.strerror}"]) from None
        except UnicodeDecodeError:
            raise OptionError([f"cannot read {path}: it is not UTF-8"]) from None

    def layer(self, section: Section) -> Layer:
        """Return what the file says about a section.

        Raises:
            OptionError: What should be a table is none, or says something twice.
        """
        table = self._table(section.table)
        found = {_folded(key): (key, value) for key, value in table.items()}
        names = {spec.name for spec in section.specs}
        return Layer(
            values={
                name: Raw(value=value, origin=self.place(section.table, key))
                for name, (key, value) in found.items()
                if name in names
            },
            unknown={
                name: self.place(section.table, key)
                for name, (key, _) in found.items()
                if name not in names
            },
        )

    def _table(self, path: tuple[str, ...]) -> Mapping[str, Any]:
        """Return a table; one that is not there is empty.

        Raises:
            OptionError: It is no table, or says something twice.
        """
        table: dict[str, Any] = self._data
        for depth, name in enumerate(path, 1):
            inner = table.get(_written(table, name), {})
            if not isinstance(inner, dict):
                where, dotted = path[: depth - 1], ".".join(path[:depth])
                hint = ""
                if depth == 1 and name in COMMON:
                    hint = f": put this line below [task], as {name} = {inner!r}"
                text = f"{self.place(where, name)}: {dotted} must be a table{hint}"
                raise OptionError([text])
            table = inner
        if problems := self._twice(path, table):
            raise OptionError(problems)
        return table

    def _twice(self, path: tuple[str, ...], table: Iterable[str]) -> list[str]:
        """Return what is wrong with names that differ in `-` and `_` alone."""
        written: dict[str, str] = {}
        return [
            f"{self.place(path, key)}: '{key}' is '{first}' once more: leave out one"
            for key in table
            if (first := written.setdefault(_folded(key), key)) != key
        ]

    def tables(self, name: str) -> dict[str, tuple[dict[str, Any], str]]:
        """Return the tables within one, by name: what each holds, and where it is.

        Raises:
            OptionError: There is something else in it.
        """
        outer = self._data.get(name, {})
        inner = outer if isinstance(outer, dict) else {name: outer}
        found = {}
        for key, value in inner.items():
            if not isinstance(value, dict):
                place = self._line(line_of(self._text, (name,), key))
                text = f"{place}: [{name}] holds tables alone, as [{name}.NAME]"
                raise OptionError([f"{text}, and '{key}' is none"])
            found[key] = value, self._line(line_of_table(self._text, (name, key)))
        return found

    def defaults(
        self, path: tuple[str, ...], known: Collection[str], inner: Collection[str]
    ) -> Mapping[str, Any]:
        """Return what the table of a command says, by name of the option.

        Args:
            path: Its names.
            known: The options that there are.
            inner: The commands within it: each has a table in this one. What other
                tables are there for, the command knows.

        Raises:
            OptionError: It says something else, or is no table.
        """
        table = self._table(path)
        values = {
            _folded(key): value
            for key, value in table.items()
            if not isinstance(value, dict) and _folded(key) not in map(_folded, inner)
        }
        tables = {
            key: value for key, value in table.items() if _folded(key) not in values
        }
        problems = [
            f"{self.place(path, name)}: `task {' '.join(path)}` has no option"
            f" '{name}'{nearest(name, known)}"
            for name in values
            if name not in known
        ]
        if problems := problems + self._nearly(tables, path, inner):
            raise OptionError(problems)
        return values

    def place(self, table: tuple[str, ...], key: str) -> str:
        """Return where a key is, or the table of that name, for messages."""
        *names, key = self._as_written((*table, key))
        line = line_of(self._text, names, key)
        return self._line(line or line_of_table(self._text, (*names, key)))

    def _as_written(self, path: tuple[str, ...]) -> list[str]:
        """Return names as the file has them."""
        inner: Any = self._data
        names = []
        for name in path:
            names.append(_written(inner, name) if isinstance(inner, dict) else name)
            inner = inner.get(names[-1], {}) if isinstance(inner, dict) else {}
        return names

    def strays(
        self,
        known: Mapping[str, Collection[str]],
        more: Callable[[], Collection[str]],
        outer: Collection[str] = (),
    ) -> list[str]:
        """Return what is wrong with its tables: some that nobody reads.

        Inside of a table only those are refused that are nearly called as known ones:
        the file may serve machines that have other plugins.

        Args:
            known: Tables, and those within each; none within means any.
            more: Returns further tables; looked up when there is one that is not known.
            outer: Tables that hold tables alone, one for each plugin of a kind.
        """
        if any(name not in known for name in self._data):
            known = {**dict.fromkeys(more(), ()), **known}
        problems = [
            self._stray(name, known, outer)
            for name, value in self._data.items()
            if name not in known or not isinstance(value, dict)
        ]
        for name in outer:
            problems += self._bare(name)
        for name, inner in known.items():
            table = self._data.get(name)
            if inner and isinstance(table, dict):
                problems += self._nearly(table, (name,), inner)
        return problems

    def _stray(self, name: str, known: Collection[str], outer: Collection[str]) -> str:
        if isinstance(self._data[name], dict):
            line, shown = line_of_table(self._text, (name,)), f"[{name}]"
            hint = nearest(name, known) or f"; there is {', '.join(sorted(known))}"
        else:
            line, shown = line_of(self._text, (), name), f"'{name}' outside of a table"
            tables = sorted(name for name in known if name not in outer)
            hint = f": put it below its own, one of [{'], ['.join(tables)}]"
        return f"{self._line(line)}: nothing reads {shown}{hint}"

    def _bare(self, name: str) -> list[str]:
        """Return what is wrong with a table that is to hold tables alone."""
        table = self._data.get(name)
        if not isinstance(table, dict):  # told already
            return []
        way = f"put it under [{name}.NAME]; to choose, set {name} under [launch]"
        return self._twice((name,), table) + [
            f"{self.place((name,), key)}: nothing reads '{key}' in [{name}]: {way}"
            for key, value in table.items()
            if not isinstance(value, dict)
        ]

    def _line(self, number: int) -> str:
        return f"{self.path}, line {number}" if number else self.path

    def _nearly(
        self, table: Mapping[str, Any], path: tuple[str, ...], known: Collection[str]
    ) -> list[str]:
        problems = []
        folded = {*map(_folded, known)}
        for name, value in table.items():
            hint = "" if _folded(name) in folded else nearest(name, known)
            if hint and isinstance(value, dict):
                full = (*path, name)
                place = self._line(line_of_table(self._text, full))
                problems.append(f"{place}: nothing reads [{'.'.join(full)}]{hint}")
        return problems


def _folded(name: str) -> str:
    """Return a name as we write it: people may write `-` for `_`."""
    return name.replace("-", "_")


def _written(table: Mapping[str, Any], name: str) -> str:
    """Return how a table writes a name that it has, as it is or otherwise."""
    if name in table:
        return name
    return next((key for key in table if _folded(key) == _folded(name)), name)
