"""Records in PostgreSQL: for many machines."""

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from task_hooks_once.answers import ImpatientConnection, SilentError
from task_hooks_once.holder import Holder
from task_hooks_once.store import Record, StoreError

SCHEMA = """
CREATE TABLE IF NOT EXISTS task_once (
    key TEXT PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL,
    done BOOLEAN NOT NULL, ends TIMESTAMPTZ NOT NULL
)
"""
# Each write is known again by a mark of its own, which stands before the owner.
OWNER = "substr(task_once.owner, 33)"
# Of two who come at the same time, one writes and the other one sees what it wrote.
TAKE = """
INSERT INTO task_once VALUES
    (%(key)s, %(mark)s || %(owner)s, %(id)s, %(done)s, {ends})
ON CONFLICT (key) DO UPDATE
SET owner = excluded.owner, id = excluded.id, done = excluded.done, ends = excluded.ends
WHERE task_once.ends <= clock_timestamp() {unless}
RETURNING 1
"""
ENDS = "clock_timestamp() + make_interval(secs => %(seconds)s)"
TAKE_FREE = TAKE.format(ends=ENDS, unless="")
TAKE_OWN = TAKE.format(ends=ENDS, unless=f"OR {OWNER} = %(owner)s")
LOOK = f"""
SELECT left(owner, 32), {OWNER}, id, done FROM task_once WHERE key = %(key)s
"""
RENEW = f"""
UPDATE task_once SET ends = {ENDS}
WHERE key = ANY(%(keys)s) AND {OWNER} = %(owner)s AND NOT done
"""
DROP = f"DELETE FROM task_once WHERE key = %(key)s AND {OWNER} = %(owner)s"
SWEEP = "DELETE FROM task_once WHERE ends <= clock_timestamp()"
EVERY = 1000
"""How many records are written before those that have ended are swept out."""
SECONDS = 5
"""How long connecting, and one call, may take."""
GRACE = 2.0
"""Seconds more in which the server says itself that a statement took too long."""


class PostgresStore:
    """Records in a table `task_once`, made when it is not there.

    Args:
        url: As libpq takes it.
    """

    def __init__(self, url: str) -> None:
        self._lock = threading.Lock()
        self._holder = Holder(self, partial(_connect, url))
        self._written = 0
        self._failed = (0.0, "")  # when the store was found to be away, and what of it

    def take(self, key: str, record: Record, seconds: float) -> Record | None:
        """Write a record where there is none; return the one that is there."""
        mark = uuid.uuid4().hex
        with self._turn():
            while not self._write(TAKE_FREE, key, record, seconds, mark):
                for its, *found in self._run(LOOK, key=key):
                    # It is ours when it was written, and the answer to that was lost.
                    return None if its == mark else Record(*found)
        return None

    def put(self, key: str, record: Record, seconds: float) -> None:
        """Write a record, unless there is one of another owner."""
        with self._turn():
            self._write(TAKE_OWN, key, record, seconds, uuid.uuid4().hex)

    def renew(self, keys: Sequence[str], owner: str, seconds: float) -> None:
        """Keep an owner's records for so long from now."""
        with self._turn():
            self._run(RENEW, keys=[*keys], owner=owner, seconds=seconds)

    def drop(self, key: str, owner: str) -> None:
        """Forget an owner's record."""
        with self._turn():
            self._run(DROP, key=key, owner=owner)

    def close(self) -> None:
        """Close the connection; what is in use for too long is left to its user."""
        if self._lock.acquire(timeout=SECONDS):
            try:
                self._holder.close()
            finally:
                self._lock.release()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Have the connection for oneself."""
        asked = time.monotonic()
        with self._lock:
            when, what = self._failed
            if asked < when:  # all who wait for a store that is away hear it at once
                raise StoreError(what)
            try:
                yield
            except psycopg.Error as error:
                text = " ".join(f"the store PostgreSQL cannot be used: {error}".split())
                if isinstance(error, psycopg.OperationalError):
                    self._failed = (time.monotonic(), text)
                raise StoreError(text) from error

    def _write(
        self, sql: str, key: str, record: Record, seconds: float, mark: str
    ) -> bool:
        self._written += 1
        if self._written % EVERY == 1:
            self._run(SWEEP)
        values = {"owner": record.owner, "id": record.id, "done": record.done}
        return bool(self._run(sql, key=key, seconds=seconds, mark=mark, **values))

    def _run(self, sql: str, **values: Any) -> list[Any]:
        """Run a statement; once more on a new connection when the old one broke."""
        again = self._holder.held is not None
        while True:
            try:
                cursor = self._holder.get().execute(sql.encode(), values)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError as error:
                self._holder.close()
                if not again or isinstance(error, SilentError):
                    raise
                again = False


def _connect(url: str) -> ImpatientConnection:
    given = conninfo_to_dict(url)
    words: dict[str, Any] = {
        "connect_timeout": SECONDS,
        "keepalives_idle": SECONDS,  # the network may swallow all
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": 1000 * SECONDS,
        **given,
        "options": f"-c statement_timeout={SECONDS}s {given.get('options', '')}",
    }
    connection = ImpatientConnection.connect(autocommit=True, **words)
    connection.seconds = SECONDS + GRACE
    try:
        connection.execute(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
