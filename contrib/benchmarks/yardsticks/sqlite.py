"""Bare loops that lease and delete rows of one table with the standard library alone.

A lease ends by itself, and who settles a row must still hold it. A table without an
index is the quickest: what waits stands at its head. So is one statement for all rows
of a window.
"""

import os
import sqlite3
import tempfile
import time
from functools import cache
from pathlib import Path

from yardstick import DONE, TASK, Yardstick

CLAIM_ONE = """
    UPDATE queue SET due = ?, owner = ?, attempt = attempt + 1 WHERE id =
    (SELECT id FROM queue WHERE due <= ? ORDER BY id LIMIT ?)
    RETURNING id, attempt, body
"""
CLAIM_MANY = CLAIM_ONE.replace("id =", "id IN", 1)
FINISH = "DELETE FROM queue WHERE id BETWEEN ? AND ? AND owner = ? AND due = ?"
OWNER = 7
LARGEST = 500
"""Rows of one statement."""
INSERT = "INSERT INTO queue (body) VALUES (?)"


@cache
def insert(table: str, rows: int) -> str:
    """Return the statement that adds so many rows at once."""
    return f"INSERT INTO {table} (body) VALUES {', '.join(['(?)'] * rows)}"


def bare_file(path: Path) -> sqlite3.Connection:
    """Open a file of the same durability as the bus's."""
    file = sqlite3.connect(path, isolation_level=None, timeout=60)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = NORMAL")
    file.executescript(
        """
        CREATE TABLE IF NOT EXISTS queue (
            id INTEGER PRIMARY KEY, due REAL NOT NULL DEFAULT 0,
            owner INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0,
            body BLOB NOT NULL
        );
        CREATE TABLE IF NOT EXISTS done (id INTEGER PRIMARY KEY, body BLOB);
        """
    )
    return file


class SqliteLoops(Yardstick):
    """One table of what waits, one of done tasks."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=os.getcwd())
        self.title = f"SQLite {sqlite3.sqlite_version}"
        self.url = f"sqlite://{self._folder.name}/bus.db"
        self._file = bare_file(Path(self._folder.name) / "bare.db")

    def work(self, window: int, count: int) -> float:
        self.send(count, count)
        claim = CLAIM_ONE if window == 1 else CLAIM_MANY
        run = self._file.execute
        begun, now = time.perf_counter(), time.time()
        while rows := run(claim, (now + 30, OWNER, now, window)).fetchall():
            run("BEGIN IMMEDIATE")
            first, last = rows[0][0], rows[-1][0]
            lease = (first, last, OWNER, now + 30)
            assert last - first + 1 == len(rows), "not side by side"
            assert run(FINISH, lease).rowcount == len(rows), "a lease was lost"
            run(insert("done", len(rows)), [DONE] * len(rows))
            run("COMMIT")
            now = time.time()
        return time.perf_counter() - begun

    def send(self, batch: int, count: int) -> None:
        for _ in range(0, count, batch):
            if batch == 1:
                self._file.execute(INSERT, (TASK,))  # a transaction by itself
                continue
            self._file.execute("BEGIN IMMEDIATE")
            for begin in range(0, batch, LARGEST):
                rows = min(LARGEST, batch - begin)
                self._file.execute(insert("queue", rows), [TASK] * rows)
            self._file.execute("COMMIT")

    def clean(self) -> None:
        self._file.executescript("DELETE FROM queue; DELETE FROM done")

    def close(self) -> None:
        self._file.close()
        self._folder.cleanup()
