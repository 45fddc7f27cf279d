"""Keeps the rest of this process off the files of open databases.

SQLite's locks are POSIX locks: they belong to the process, and the system drops all of
them when *any* descriptor of the file is closed. So a worker that opens the database,
if only to copy it, takes the locks away from under us, and the next writer corrupts
the file. The rest of the process is told so before it happens.
"""

import collections
import functools
import os
import sys
from typing import Any

Identity = tuple[int, int]
"""Device and number of a file, whatever it is called."""

_guarded: collections.Counter[Identity] = collections.Counter()


def identity(path: Any) -> Identity | None:
    """Return which file is at a path, or None when there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError, TypeError):
        return None
    return found.st_dev, found.st_ino


def real(path: str) -> str:
    """Return a path without links: SQLite's files are beside what a link leads to."""
    return os.path.realpath(path)


class Guard:
    """Refuses every `open` of a database and of SQLite's files beside it.

    Other processes may open them, and so may SQLite in this one.
    """

    def __init__(self) -> None:
        self._own: list[Identity] = []

    def watch(self, path: str) -> None:
        """Refuse them from now on, and none that were refused before.

        Args:
            path: The database, which is open.
        """
        self.lift()
        names = (path, f"{real(path)}-wal", f"{real(path)}-shm")
        self._own = [found for name in names if (found := identity(name))]
        _guarded.update(self._own)
        _install()

    def holds(self, path: str) -> bool:
        """Whether the file at a path is one of those."""
        return identity(path) in self._own

    def lift(self) -> None:
        """Let go; may be repeated."""
        _guarded.subtract(self._own)
        for one in self._own:
            if _guarded[one] <= 0:
                del _guarded[one]
        self._own = []


@functools.cache
def _install() -> None:
    sys.addaudithook(_check)  # it stays for ever, so once


def _check(event: str, args: tuple[Any, ...]) -> None:
    if event != "open" or not _guarded or isinstance(args[0], int):
        return
    if identity(args[0]) in _guarded:
        raise PermissionError(
            f"the bus 'sqlite' of this process has '{os.fsdecode(args[0])}' open, and"
            " would lose its locks: copy it with `task backup-sqlite`, or in another"
            " process"
        )
