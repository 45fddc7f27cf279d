"""What a person sees of the demonstration."""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

WIDTH, HEIGHT = 64, 14
"""What the live table needs of a terminal."""


class Screen:
    """What a person sees: a live table on a terminal, lines elsewhere."""

    def __init__(self) -> None:
        self.counts = {"sent": 0, "complete": 0, "error": 0, "dead": 0}
        self._live = _can_draw()
        self._height = 0
        self._events: list[str] = []

    def tell(self, event: str) -> None:
        """Report an event."""
        line = f"{time.strftime('%H:%M:%S')}  {event}"
        if self._live:
            self._events = [*self._events[-9:], line]
        else:
            click.echo(line)

    def draw(self, waiting: int, deaths: int) -> None:
        """Draw the table again, on a terminal."""
        if not self._live:
            return
        names = (*self.counts, "waiting", "workers killed")
        values = (*self.counts.values(), waiting, deaths)
        text = [*_table(names, [str(value) for value in values]), "", *self._events]
        if self._height:
            click.echo(f"\033[{self._height}A\033[J", nl=False)
        click.echo("\n".join(text))
        self._height = len(text)


def style(text: str, **styles: Any) -> str:
    """Colour a text if it goes to a terminal that shows colours."""
    plain = os.environ.get("NO_COLOR") or _is_dumb() or not sys.stdout.isatty()
    return text if plain else click.style(text, **styles)


def _is_dumb() -> bool:
    """Whether the terminal can do no more than print."""
    return os.environ.get("TERM") == "dumb"


def _can_draw() -> bool:
    """Whether the table fits into a terminal that knows how to move up."""
    size = shutil.get_terminal_size()
    fits = size.columns >= WIDTH and size.lines >= HEIGHT
    return sys.stdout.isatty() and not _is_dumb() and fits


def _table(names: Sequence[str], values: Sequence[str]) -> list[str]:
    widths = [
        max(len(name), len(value)) for name, value in zip(names, values, strict=True)
    ]
    rows = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in (names, values)
    ]
    return [style(rows[0].rstrip(), bold=True), rows[1].rstrip()]
