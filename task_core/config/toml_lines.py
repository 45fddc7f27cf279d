"""Where in the text of a TOML file something is: its parser does not say."""

import re
from collections.abc import Sequence


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
