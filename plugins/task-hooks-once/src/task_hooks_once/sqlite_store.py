"""Records in an SQLite file: for the processes of one machine."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial

from task_hooks_once.holder import Holder
from task_hooks_once.store import Record, StoreError

SCHEMA = """
CREATE TABLE IF NOT EXISTS once (
    key TEXT PRIMARY KEY, owner TEXT, id TEXT, done INTEGER, ends REAL
) WITHOUT ROWID
"""
BUSY = 10.0
"""Seconds to wait for other writers."""
SWEEP = 1000
"""How many records are written before those that have ended are swept out."""


class SqliteStore:
    """Records in a file.

    Args:
        path: The file; made when it is not there.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._holder = Holder(self, partial(_connect, path))
        self._written = 0

    def take(self, key: str, record: Record, seconds: float) -> Record | None:
        """Write a record where there is none; return the one that is there."""
        with self._write() as database:
            now = time.time()
            row = database.execute(
                "SELECT owner, id, done FROM once WHERE key = ? AND ends > ?",
                (key, now),
            ).fetchone()
            if row is not None:
                return Record(row[0], row[1], bool(row[2]))
            self._replace(database, key, record, now + seconds)
            return None

    def put(self, key: str, record: Record, seconds: float) -> None:
        """Write a record, unless there is one of another owner."""
        with self._write() as database:
            now = time.time()
            row = database.execute(
                "SELECT 1 FROM once WHERE key = ? AND ends > ? AND owner <> ?",
                (key, now, record.owner),
            ).fetchone()
            if row is None:
                self._replace(database, key, record, now + seconds)

    def renew(self, keys: Sequence[str], owner: str, seconds: float) -> None:
        """Keep an owner's records for so long from now."""
        with self._write() as database:
            database.executemany(
                "UPDATE once SET ends = ? WHERE key = ? AND owner = ? AND NOT done",
                [(time.time() + seconds, key, owner) for key in keys],
            )

    def drop(self, key: str, owner: str) -> None:
        """Forget an owner's record."""
        with self._write() as database:
            database.execute(
                "DELETE FROM once WHERE key = ? AND owner = ?", (key, owner)
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._holder.close()

    def _replace(
        self, database: sqlite3.Connection, key: str, record: Record, ends: float
    ) -> None:
        values = (key, record.owner, record.id, record.done, ends)
        database.execute("REPLACE INTO once VALUES (?, ?, ?, ?, ?)", values)
        self._written += 1
        if self._written % SWEEP == 1:
            database.execute("DELETE FROM once WHERE ends <= ?", (time.time(),))

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """Hold the file for one change."""
        with self._lock:
            try:
                database = self._holder.get()
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                except BaseException:
                    database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")
            except sqlite3.Error as error:
                text = f"the store sqlite://{self._path} cannot be used: {error}"
                raise StoreError(text) from error


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
