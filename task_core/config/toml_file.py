"""The TOML file: its tables as layers, each value with its line."""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from task_core.config.sources import COMMON, Layer, Raw, Section
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
            OptionError: What should be a table is none.
        """
        table: Any = self._data
        for depth, name in enumerate(section.table, 1):
            table = table.get(name, {})
            if not isinstance(table, dict):
                path = ".".join(section.table[:depth])
                place = self.place(section.table[: depth - 1], name)
                hint = ""
                if depth == 1 and name in COMMON:
                    hint = f": put this line below [task], as {name} = {table!r}"
                raise OptionError([f"{place}: {path} must be a table{hint}"])
        names = {spec.name for spec in section.specs}
        found = {key.replace("-", "_"): (key, value) for key, value in table.items()}
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

    def defaults(self, table: str, known: Collection[str]) -> Mapping[str, Any]:
        """Return what a table says, tables within it aside, by name of the option.

        Args:
            table: Its name.
            known: The options that there are.

        Raises:
            OptionError: It says something else.
        """
        found = self._data.get(table, {})
        values = {
            key.replace("-", "_"): value
            for key, value in (found.items() if isinstance(found, dict) else ())
            if not isinstance(value, dict)
        }
        problems = [
            f"{self.place((table,), name)}: `task {table}` has no option"
            f" '{name}'{nearest(name, known)}"
            for name in values
            if name not in known
        ]
        if problems:
            raise OptionError(problems)
        return values

    def place(self, table: tuple[str, ...], key: str) -> str:
        """Return where a key is, or the table of that name, for messages."""
        dashed = key.replace("_", "-")  # the same, where keys are flags
        line = line_of(self._text, table, key) or line_of(self._text, table, dashed)
        return self._line(line or line_of_table(self._text, (*table, key)))

    def strays(
        self, known: Mapping[str, Collection[str]], more: Callable[[], Collection[str]]
    ) -> list[str]:
        """Return what is wrong with its tables: some that nobody reads.

        Inside of a table only those are refused that are nearly called as known ones:
        the file may serve machines that have other plugins.

        Args:
            known: Tables, and those within each; none within means any.
            more: Returns further tables; looked up when there is one that is not known.
        """
        unknown = [name for name in self._data if name not in known]
        if unknown:
            known = {**dict.fromkeys(more(), ()), **known}
        problems = [self._stray(name, known) for name in unknown if name not in known]
        for name, inner in known.items():
            table = self._data.get(name)
            if inner and isinstance(table, dict):
                problems += self._nearly(table, (name,), inner)
        return problems

    def _stray(self, name: str, known: Collection[str]) -> str:
        if isinstance(self._data[name], dict):
            line, shown = line_of_table(self._text, (name,)), f"[{name}]"
            hint = nearest(name, known) or f"; there is {', '.join(sorted(known))}"
        else:
            line, shown = line_of(self._text, (), name), f"'{name}' outside of a table"
            tables = ", ".join(f"[{table}]" for table in sorted(known))
            hint = f": put it below its own, one of {tables}"
        return f"{self._line(line)}: nothing reads {shown}{hint}"

    def _line(self, number: int) -> str:
        return f"{self.path}, line {number}" if number else self.path

    def _nearly(
        self, table: Mapping[str, Any], path: tuple[str, ...], known: Collection[str]
    ) -> list[str]:
        problems = []
        for name, value in table.items():
            hint = nearest(name, known) if name not in known else ""
            if hint and isinstance(value, dict):
                full = (*path, name)
                place = self._line(line_of_table(self._text, full))
                problems.append(f"{place}: nothing reads [{'.'.join(full)}]{hint}")
        return problems


def line_of_table(text: str, table: tuple[str, ...]) -> int:
    """Return the line of the first header of a table or one in it, from 1; or 0."""
    for number, line in enumerate(text.split("\n"), 1):
        if _header(line)[: len(table)] == table:
            return number
    return 0


def _header(line: str) -> tuple[str, ...]:
    """Return the names in a line like `[bus.nsq]`, or nothing."""
    header = re.match(r"\s*\[([^\[\]]+)\]", line)
    names = header[1].split(".") if header else []
    return tuple(name.strip().strip("\"'") for name in names)


def line_of(text: str, table: Sequence[str], key: str) -> int:
    """Return the line of a key in TOML text, from 1; 0 when it is written unusually."""
    current: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if header := _header(line):
            current = header
        elif current == tuple(table) and re.match(
            rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line
        ):
            return number
    return 0
