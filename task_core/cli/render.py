"""Tables and colours: aligned text, coloured on terminals only."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import click

from task_core.cli.stdout import tell
from task_core.shown import printable_json, shown

Row = Sequence[str]
BAR = 30
"""Characters of a bar."""
_WIDE = 80
"""Characters to which columns are widened at most: what is longer juts out."""

_NO_COLUMN = ("Mn", "Me", "Cf")
"""Categories of characters that are drawn upon others, or not at all."""


def table(headers: Row, rows: Sequence[Row]) -> str:
    """Return rows as aligned columns under their headers; the last one runs free.

    One cell that is very long, as data may have it, does not widen all rows.
    """
    lines = [[shown(str(cell)) for cell in row] for row in (headers, *rows)]
    sizes = [[_columns(cell) for cell in line] for line in lines]
    widths = [
        max((size for size in column if size <= _WIDE), default=0)
        for column in zip(*sizes, strict=True)
    ]
    text = [
        "  ".join(
            cell + " " * (width - size)
            for cell, size, width in zip(line, its, widths, strict=True)
        )
        for line, its in zip(lines, sizes, strict=True)
    ]
    head, *body = (line.rstrip() for line in text)
    return "\n".join([style(head, bold=True), *body])


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    # Few tables have any.
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(one) in _NO_COLUMN else 1 + (east_asian_width(one) in "WF")
        for one in text
    )


def style(text: str, stream: TextIO | None = None, **styles: Any) -> str:
    """Colour a text if it goes to a terminal and `NO_COLOR` is not set."""
    terminal = (stream or sys.stdout).isatty()
    return click.style(text, **styles) if terminal and not _plain() else text


def _plain() -> bool:
    return bool(os.environ.get("NO_COLOR")) or _is_dumb()


def _is_dumb() -> bool:
    """Whether the terminal can do no more than print."""
    return os.environ.get("TERM") == "dumb"


def show_json(data: Any) -> None:
    """Print data as indented JSON, escaped where a terminal would be steered.

    What plugins say of themselves may be of any type: what JSON does not know is text.
    """
    text = json.dumps(data, indent=2, ensure_ascii=False, default=str)
    click.echo(printable_json(text))


class Counter:
    """Counts on stderr while a person waits; silent elsewhere.

    Args:
        what: What is counted, for example `sent`.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._visible = sys.stderr.isatty() and not _is_dumb()

    def show(self, count: int, total: int = 0) -> None:
        """Show how far it is, with a bar where the total is known."""
        if self._visible:
            text = f"{count:,} {self._what}"
            if total:
                full = BAR * count // total
                bar = f"[{'#' * full}{'.' * (BAR - full)}]"
                text = f"{bar} {count:,} of {total:,} {self._what}"
            tell(f"\r\033[K{text}", nl=False)

    def clear(self) -> None:
        """Take it away."""
        if self._visible:
            tell("\r\033[K", nl=False)
