"""Bare loops that claim and delete rows of one table with the standard library alone.

Nobody checks whose a row is.
"""

import os
import sqlite3
import tempfile
import time
from pathlib import Path

from yardstick import DONE, TASK, Yardstick

CLAIM_ONE = """
    UPDATE queue SET state = 1, lease = ? WHERE id =
    (SELECT id FROM queue WHERE state = 0 ORDER BY id LIMIT ?) RETURNING id, body
"""
CLAIM_MANY = CLAIM_ONE.replace("id =", "id IN", 1)
INSERT = "INSERT INTO queue (body) VALUES (?)"


def bare_file(path: Path) -> sqlite3.Connection:
    """Open a file of the same durability as the bus's."""
    file = sqlite3.connect(path, isolation_level=None, timeout=60)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = NORMAL")
    file.executescript(
        """
        CREATE TABLE IF NOT EXISTS queue (
            id INTEGER PRIMARY KEY, state INTEGER DEFAULT 0, lease REAL, body BLOB
        );
        CREATE INDEX IF NOT EXISTS ready ON queue (id) WHERE state = 0;
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
        run, begun = self._file.execute, time.perf_counter()
        while rows := run(claim, (time.time() + 30, window)).fetchall():
            run("BEGIN IMMEDIATE")
            bodies = [(DONE,) for _ in rows]
            self._file.executemany("INSERT INTO done (body) VALUES (?)", bodies)
            ids = [(row[0],) for row in rows]
            self._file.executemany("DELETE FROM queue WHERE id = ?", ids)
            run("COMMIT")
        return time.perf_counter() - begun

    def send(self, batch: int, count: int) -> None:
        for _ in range(0, count, batch):
            if batch == 1:
                self._file.execute(INSERT, (TASK,))  # a transaction by itself
                continue
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany(INSERT, [(TASK,)] * batch)
            self._file.execute("COMMIT")

    def clean(self) -> None:
        self._file.executescript("DELETE FROM queue; DELETE FROM done")

    def close(self) -> None:
        self._file.close()
        self._folder.cleanup()
