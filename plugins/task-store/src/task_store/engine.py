"""Connections to the file or the server, set as a store needs them."""

import contextlib
import os
import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from task_store.errors import StoreError
from task_store.place import Place

BUSY = 10.0
"""Seconds to wait for other writers of a file."""
CONNECT = 5
"""Seconds that connecting to a server may take."""
ANSWER = 15
"""Seconds that one statement may take, and a lost server may stay silent."""
NEEDS = "a store in PostgreSQL needs more: pip install 'task-store[postgres]'"


def make_engine(place: Place) -> Engine:
    """Return what connects; it does when it is first used.

    Raises:
        StoreError: What it needs is not installed.
    """
    if place.path:
        engine = create_engine(place.url, connect_args={"timeout": BUSY})
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        return engine
    try:
        return create_engine(place.url, connect_args=_words(place))
    except ImportError as error:
        raise StoreError(f"{NEEDS} ({error})") from None


def make_file(path: str) -> None:
    """Make an empty file that only its owner can read, unless there is one."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    with contextlib.suppress(OSError):  # SQLite says it better
        os.close(os.open(path, flags, 0o600))


def _words(place: Place) -> dict[str, Any]:
    words: dict[str, Any] = {
        "connect_timeout": CONNECT,
        "application_name": "task-store",
        "options": f"-c statement_timeout={ANSWER}s -c lock_timeout={ANSWER}s",
        "keepalives_idle": ANSWER,
        "keepalives_interval": CONNECT,
        "keepalives_count": 3,
        "tcp_user_timeout": ANSWER * 1000,
    }
    return {name: it for name, it in words.items() if name not in place.url.query}


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # `_begin` begins
    connection.execute("PRAGMA journal_mode = WAL")
    # What is claimed must survive a failing power: its delivery is acknowledged then.
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
