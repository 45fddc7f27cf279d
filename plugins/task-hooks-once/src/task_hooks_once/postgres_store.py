"""Records in PostgreSQL: for many machines."""

import os
import threading
from collections.abc import Sequence
from typing import Any

import psycopg

from task_hooks_once.store import Record, StoreError, close_with

SCHEMA = """
CREATE TABLE IF NOT EXISTS task_once (
    key TEXT PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL,
    done BOOLEAN NOT NULL, ends TIMESTAMPTZ NOT NULL
)
"""
# Of two who come at the same time, one writes and the other one sees what it wrote.
TAKE = """
INSERT INTO task_once VALUES (%(key)s, %(owner)s, %(id)s, %(done)s, {ends})
ON CONFLICT (key) DO UPDATE
SET owner = excluded.owner, id = excluded.id, done = excluded.done, ends = excluded.ends
WHERE task_once.ends <= clock_timestamp() {unless}
RETURNING 1
"""
ENDS = "clock_timestamp() + make_interval(secs => %(seconds)s)"
TAKE_FREE = TAKE.format(ends=ENDS, unless="")
TAKE_OWN = TAKE.format(ends=ENDS, unless="OR task_once.owner = excluded.owner")
LOOK = "SELECT owner, id, done FROM task_once WHERE key = %(key)s"
RENEW = f"""
UPDATE task_once SET ends = {ENDS}
WHERE key = ANY(%(keys)s) AND owner = %(owner)s AND NOT done
"""
DROP = "DELETE FROM task_once WHERE key = %(key)s AND owner = %(owner)s"
SWEEP = "DELETE FROM task_once WHERE ends <= clock_timestamp()"
EVERY = 1000
"""How many records are written before those that have ended are swept out."""
SECONDS = 5
"""How long connecting, and one call, may take."""


class PostgresStore:
    """Records in a table `task_once`, made when it is not there.

    Args:
        url: As libpq takes it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._abandoned: list[object] = []  # of a parent process: never to be used
        self._pid = 0
        self._written = 0

    def take(self, key: str, record: Record, seconds: float) -> Record | None:
        """Write a record where there is none; return the one that is there."""
        while not self._write(TAKE_FREE, key, record, seconds):
            if rows := self._do(LOOK, key=key):
                return Record(*rows[0])
        return None

    def put(self, key: str, record: Record, seconds: float) -> None:
        """Write a record, unless there is one of another owner."""
        self._write(TAKE_OWN, key, record, seconds)

    def renew(self, keys: Sequence[str], owner: str, seconds: float) -> None:
        """Keep an owner's records for so long from now."""
        self._do(RENEW, keys=[*keys], owner=owner, seconds=seconds)

    def drop(self, key: str, owner: str) -> None:
        """Forget an owner's record."""
        self._do(DROP, key=key, owner=owner)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    def _write(self, sql: str, key: str, record: Record, seconds: float) -> bool:
        self._written += 1
        if self._written % EVERY == 1:
            self._do(SWEEP)
        values = {"owner": record.owner, "id": record.id, "done": record.done}
        return bool(self._do(sql, key=key, seconds=seconds, **values))

    def _do(self, sql: str, **values: Any) -> list[Any]:
        """Run a statement; once more on a new connection when the old one broke."""
        with self._lock:
            again = self._connection is not None
            while True:
                try:
                    cursor = self._open().execute(sql.encode(), values)
                    return cursor.fetchall() if cursor.description else []
                except psycopg.Error as error:
                    broken = isinstance(error, psycopg.OperationalError)
                    if broken:
                        self._forget()
                    if not (broken and again):
                        text = f"the store PostgreSQL cannot be used: {error}"
                        raise StoreError(" ".join(text.split())) from error
                    again = False

    def _open(self) -> "psycopg.Connection[Any]":
        if self._connection is not None and self._pid != os.getpid():
            self._abandoned.append(self._connection)
            self._connection = None
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=SECONDS,
                keepalives_idle=SECONDS,  # the network may swallow all
                keepalives_interval=1,
                keepalives_count=3,
                tcp_user_timeout=1000 * SECONDS,
                options=f"-c statement_timeout={SECONDS}s",
            )
            close_with(self, self._connection)
            self._pid = os.getpid()
            self._connection.execute(SCHEMA)
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
