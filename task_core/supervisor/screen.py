"""What the processes say, line by line, each behind the name of its process."""

import contextlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Protocol

from task_core.shown import printable

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
"""Of the names, as ANSI numbers; they are taken in turn."""
LONGEST = 65536
"""Bytes of a line that are kept back until its end comes."""


class Report(Protocol):
    """Where people read what processes say, and what happens to them."""

    def write(self, name: str, lines: Sequence[bytes]) -> None:
        """Write lines of a process."""

    def tell(self, name: str, text: str) -> None:
        """Write what happened to a process."""

    def announce(self, text: str) -> None:
        """Write what happens to all of them."""


def show(text: str) -> None:
    """Write to stderr. A full disk, or a reader that is gone, ends nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


class Screen:
    """Writes to stderr; in colours if that is a terminal.

    Args:
        names: The processes.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._width = max(map(len, names))
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self._terminal = sys.stderr.isatty()
        self._coloured = self._terminal and not plain

    def write(self, name: str, lines: Sequence[bytes]) -> None:
        """Write lines of a process."""
        prefix = self._prefix(name)
        texts = [line.decode(errors="replace") for line in lines]
        if self._terminal:
            texts = list(map(_tame, texts))
        show("".join(f"{prefix}{text}\n" for text in texts))

    def tell(self, name: str, text: str) -> None:
        """Write what happened to a process."""
        self.write(name, [f"-- {text}".encode()])

    def announce(self, text: str) -> None:
        """Write what happens to all of them."""
        show(f"-- {text}\n")

    def _prefix(self, name: str) -> str:
        text = f"{name:{self._width}} |"
        if not self._coloured:
            return f"{text} "
        colour = COLOURS[self._names.index(name) % len(COLOURS)]
        return f"\033[{colour}m{text}\033[0m "


def _tame(text: str) -> str:
    """Return what stays on its line, and of a line that was written over the last."""
    parts = re.split(r"(\033\[[\d;]*m|\t)", text.rstrip("\r").rpartition("\r")[2])
    parts[::2] = map(printable, parts[::2])
    return "".join(parts)


class Lines:
    """Makes lines of pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def add(self, piece: bytes) -> list[bytes]:
        """Return the lines that a piece ends; a very long one in parts."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LONGEST:
            lines.append(self.end())
        return [line.rstrip(b"\r") for line in lines]

    def end(self) -> bytes:
        """Return what has no end yet."""
        rest, self._rest = self._rest, b""
        return rest
