"""One open SQLite file: transactions, patience with locks, clear errors."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from task_bus_sqlite.errors import (
    DiskError,
    gone,
    in_use,
    is_busy,
    locked,
    missing,
    problem_with,
    refused,
    translate,
)
from task_bus_sqlite.guard import Guard, identity, real
from task_core.api import BusConnectionError, BusError

SHORTEST_PAUSE = 0.002
LONGEST_PAUSE = 0.01
"""Seconds between two tries to get the lock; each is cut short at random."""

NOWHERE = (0, 0)
"""Stands for a file that is not there; it is no identity of any."""

Values = Sequence[Any] | Mapping[str, Any]
"""What the marks of a statement stand for, by position or by name."""


class SqliteFile:
    """A connection to a file. Used by one thread at a time.

    Args:
        path: The file.
        patience: Seconds to wait for a lock before giving up.
        set_up: Sees that it is one of ours, and makes its tables.
        create: Make it when missing.
        execute, executemany: Those of the connection, for use inside a transaction.
        transaction: `with` it, see `Transaction`.
        generation: Counts up when another file has taken the place of this one.
        longest: Bytes that SQLite can carry in one row.

    Raises:
        BusError: The path can be no database.
    """

    def __init__(
        self,
        path: str,
        patience: float,
        set_up: Callable[["SqliteFile"], None],
        *,
        create: bool = True,
    ) -> None:
        self.path = path
        self.patience = patience
        self.generation = 0
        self.transaction = Transaction(self, patience)
        self._set_up = set_up
        self._create = create
        self._place = _absolute(path)
        self._identity = NOWHERE
        self._guard = Guard()
        self._connect()

    def read(self, sql: str, values: Values = ()) -> Any:
        """Return the first row of a query, or None; waits for a lock."""
        return self._insist(sql, values, self.patience).fetchone()

    def rows(self, sql: str, values: Values = ()) -> list[Any]:
        """Return all rows of a query; waits for a lock."""
        found: list[Any] = self._insist(sql, values, self.patience).fetchall()
        return found

    def change(self, sql: str, values: Values) -> None:
        """Execute one statement that writes; waits for a lock.

        It is a transaction by itself: what `begin` sees to is seen to here.
        """
        self.check()
        if self._connection.in_transaction:  # an interrupt came at a bad moment
            self.rollback()
        self._insist(sql, values, self.patience)

    def shrink(self, pages: int) -> None:
        """Give up to so many free pages back to the system, in one transaction."""
        statement = f"PRAGMA incremental_vacuum({pages})"
        try:
            # A script: `execute` would stop after the first page.
            self._connection.executescript(f"BEGIN IMMEDIATE; {statement}; COMMIT")
        except sqlite3.Error as error:
            self.rollback()
            raise translate(error, self.path) from None

    def version(self) -> int:
        """Return a number that changes when another connection has written."""
        number: int = self.read("PRAGMA data_version")[0]
        return number

    def begin(self, patience: float) -> None:
        """Begin a transaction that writes.

        Raises:
            LockedError: The lock was not to be had for so many seconds.
            BusConnectionError: The file was removed or replaced.
        """
        self.check()
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
        if self._identity != NOWHERE and self._connection.in_transaction:
            self.execute("ROLLBACK")

    @contextlib.contextmanager
    def one_moment(self) -> Iterator[None]:
        """`with` it: all that is read inside is of one moment."""
        self.rollback()  # there is a transaction when an interrupt came at a bad moment
        self.rows("BEGIN")
        try:
            yield
        finally:
            self.rollback()

    def check(self) -> None:
        """See whether the file is still where it was; if not, open what is there now.

        Who goes on with a file that was removed or replaced reads and writes what
        nobody else will ever see.

        Raises:
            BusConnectionError: It is not: the next call goes on with the other one, or
                looks again whether there is one that can be opened.
        """
        if identity(self._place) == self._identity:
            return
        self._leave()
        self.generation += 1
        try:
            self._connect()
        except DiskError:
            # The index of the log is still the one of those who have not looked yet.
            raise in_use(self.path) from None
        except BusConnectionError:
            raise
        except BusError as error:  # it was there once, and may come again
            raise BusConnectionError(str(error)) from None
        raise gone(self.path)

    def close(self) -> None:
        """Close; may be repeated."""
        self._connection.close()
        self._guard.lift()

    def _connect(self) -> None:
        if problem := problem_with(self._place):
            raise refused(self.path, problem)
        if self._create:
            _make(real(self._place))
        elif not os.path.exists(self._place):
            raise missing(self.path)
        try:
            # No timeout: SQLite's own way of waiting lets some of many writers starve.
            self._connection = sqlite3.connect(
                self._place, timeout=0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise translate(error, self.path) from None
        self.execute = self._connection.execute
        self.executemany = self._connection.executemany
        self.longest = self._connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH)
        self._identity = identity(self._place) or NOWHERE
        try:
            self._set_up(self)
        except BaseException:
            self._connection.close()
            self._identity = NOWHERE  # the next call tries again
            raise
        self._guard.watch(self._place)

    def _leave(self) -> None:
        """Close a file that is no longer there, and remove what is left of its log.

        SQLite would take it for the log of the file that has its place now.
        """
        log = f"{real(self._place)}-wal"
        if self._guard.holds(log):
            with contextlib.suppress(OSError):
                os.unlink(log)
        self.close()
        self._identity = NOWHERE  # until there is one again

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


def _absolute(path: str) -> str:
    """Return the path from the root: workers may change the working folder."""
    try:
        return path if "\0" in path else os.path.abspath(path)
    except OSError:
        raise refused(path, "the working folder was deleted") from None


def _make(path: str) -> None:
    """Make an empty file that only its owner can read, unless there is one."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    with contextlib.suppress(OSError):  # SQLite says it better
        os.close(os.open(path, flags, 0o600))
