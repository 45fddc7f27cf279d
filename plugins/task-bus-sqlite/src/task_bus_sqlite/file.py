"""One open SQLite file: transactions, patience with locks, clear errors."""

import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from task_bus_sqlite.errors import (
    gone,
    is_busy,
    locked,
    problem_with,
    refused,
    translate,
)

SHORTEST_PAUSE = 0.002
LONGEST_PAUSE = 0.01
"""Seconds between two tries to get the lock; each is cut short at random."""


Values = Sequence[Any] | Mapping[str, Any]
"""What the marks of a statement stand for, by position or by name."""


class SqliteFile:
    """A connection to a file. Used by one thread at a time.

    Args:
        path: The file, made when missing.
        patience: Seconds to wait for a lock before giving up.
        execute, executemany: Those of the connection, for use inside a transaction.
        transaction: `with` it, see `Transaction`.

    Raises:
        BusError: The path can be no database.
    """

    def __init__(self, path: str, patience: float) -> None:
        self.path = path
        self.patience = patience
        if problem := problem_with(path):
            raise refused(path, problem)
        try:
            # No timeout: SQLite's own way of waiting lets some of many writers starve.
            self._connection = sqlite3.connect(
                os.path.abspath(path),
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise translate(error, path) from None
        self.execute = self._connection.execute
        self.executemany = self._connection.executemany
        self.transaction = Transaction(self, patience)
        self._identity = _identity(path)

    def read(self, sql: str, values: Values = ()) -> Any:
        """Return the first row of a query, or None; waits for a lock."""
        return self._insist(sql, values, self.patience).fetchone()

    def rows(self, sql: str, values: Values = ()) -> list[Any]:
        """Return all rows of a query; waits for a lock."""
        found: list[Any] = self._insist(sql, values, self.patience).fetchall()
        return found

    def version(self) -> int:
        """Return a number that changes when another connection has written."""
        number: int = self.read("PRAGMA data_version")[0]
        return number

    def begin(self, patience: float) -> None:
        """Begin a transaction that writes.

        Raises:
            LockedError: The lock was not to be had for so many seconds.
        """
        try:
            self.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            self.rollback()  # there is one when an interrupt came at a bad moment
            self._insist("BEGIN IMMEDIATE", (), patience)

    def commit(self) -> None:
        """End it; when this raises, nothing happened."""
        try:
            self.execute("COMMIT")
        except sqlite3.Error as error:
            self.rollback()
            raise translate(error, self.path) from None

    def rollback(self) -> None:
        """Forget the transaction, if there is one."""
        if self._connection.in_transaction:
            self.execute("ROLLBACK")

    def check(self) -> None:
        """See whether the file is still there.

        Raises:
            BusConnectionError: It was removed or replaced, or it does not answer.
        """
        self.read("SELECT 1 FROM topics")
        if _identity(self.path) != self._identity:
            raise gone(self.path)

    def close(self) -> None:
        """Close; may be repeated."""
        self._connection.close()

    def _insist(self, sql: str, values: Values, patience: float) -> Any:
        """Execute, however often the file is locked, for so many seconds."""
        try:
            return self.execute(sql, values)
        except sqlite3.Error as error:
            if not is_busy(error):
                raise translate(error, self.path) from None
        return self._try_again(sql, values, patience)

    def _try_again(self, sql: str, values: Values, patience: float) -> Any:
        deadline = time.monotonic() + patience
        pause = SHORTEST_PAUSE
        while time.monotonic() < deadline:
            time.sleep(pause * os.urandom(1)[0] / 255)
            pause = min(pause * 1.5, LONGEST_PAUSE)
            try:
                return self.execute(sql, values)
            except sqlite3.Error as error:
                if not is_busy(error):
                    raise translate(error, self.path) from None
        raise locked(self.path, patience)


class Transaction:
    """`with` it: all that is done inside happens, or nothing does.

    Args:
        file: Where.
        patience: Seconds to wait for the lock.
    """

    def __init__(self, file: SqliteFile, patience: float) -> None:
        self._file = file
        self._patience = patience

    def __enter__(self) -> None:
        self._file.begin(self._patience)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._file.commit()
            return
        self._file.rollback()
        if isinstance(error, sqlite3.Error):
            raise translate(error, self._file.path) from None


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
