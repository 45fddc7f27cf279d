"""Connections to the file or the server, set as a store needs them."""

import contextlib
import math
import os
import sqlite3
from functools import partial
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from task_store.errors import StoreError
from task_store.place import Place

Identity = tuple[int, int]
"""Device and number of a file, whatever it is called."""
BUSY = 10.0
"""Seconds to wait for other writers of a file."""
CONNECT = 5
"""Seconds that connecting to a server may take."""
ANSWER = 15.0
"""Seconds that one statement may take, and a lost server may stay silent."""
GRACE = 2.0
"""Seconds more in which the server says itself that a statement took too long."""
_LEVEL = "synchronous"
"""Where a connection notes what it is set to."""
TIMEOUT = "timeout"
"""What a URL calls the seconds that an answer may take."""
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
        from task_store.answers import connect  # a file needs no client library
    except ImportError as error:
        raise StoreError(f"{NEEDS} ({error})") from None
    seconds = _seconds(place)
    url = place.url.difference_update_query([TIMEOUT])
    engine = create_engine(url, connect_args=_words(url, seconds))
    limited = partial(connect, seconds + GRACE)
    event.listen(
        engine, "do_connect", lambda _, __, words, more: limited(*words, **more)
    )
    return engine


def identity(path: str) -> Identity | None:
    """Return which file is at a path, or None when there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def log_path(path: str) -> str:
    """Return where SQLite keeps the log of a file: beside what a link leads to."""
    return f"{os.path.realpath(path)}-wal"


def remove_log(path: str, log: Identity | None) -> None:
    """Remove what a file that has gone has left of its log, if that is it.

    SQLite would take it for the log of the file that is there now.
    """
    if log and identity(log_path(path)) == log:
        with contextlib.suppress(OSError):
            os.unlink(log_path(path))


def make_file(path: str) -> None:
    """Make an empty file that only its owner can read, unless there is one."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    with contextlib.suppress(OSError):  # SQLite says it better
        os.close(os.open(os.path.realpath(path), flags, 0o600))


def _seconds(place: Place) -> float:
    """Return how long an answer may take, as the URL says.

    Raises:
        StoreError: It says no time.
    """
    text = place.url.query.get(TIMEOUT, str(ANSWER))
    try:
        seconds = float(str(text))
    except ValueError:
        seconds = math.nan
    if 0.1 <= seconds < math.inf:
        return seconds
    told = f"?{TIMEOUT}= of its URL is a number of seconds, not {text!r}"
    raise StoreError(f"{place.name}: {told}")


def _words(url: URL, seconds: float) -> dict[str, Any]:
    milliseconds = round(1000 * seconds)
    limits = ("statement_timeout", "lock_timeout")
    words: dict[str, Any] = {
        "connect_timeout": CONNECT,
        "application_name": "task-store",
        "options": " ".join(f"-c {name}={milliseconds}" for name in limits),
        "keepalives_idle": max(1, round(seconds)),
        "keepalives_interval": CONNECT,
        "keepalives_count": 3,
        "tcp_user_timeout": milliseconds,
    }
    return {name: it for name, it in words.items() if name not in url.query}


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # `_begin` begins
    connection.execute("PRAGMA journal_mode = WAL")


def _begin(connection: Connection) -> None:
    # The driver itself: through the library this cost more than what is written.
    file: Any = connection.connection.driver_connection
    options = connection.get_execution_options()
    if options.get("reading"):
        file.execute("BEGIN")
        return
    # What is claimed must survive a failing power: its delivery is acknowledged then.
    level = "NORMAL" if options.get("hasty") else "FULL"
    if connection.info.get(_LEVEL) != level:
        connection.info[_LEVEL] = ""
        file.execute(f"PRAGMA synchronous = {level}")
        connection.info[_LEVEL] = level
    file.execute("BEGIN IMMEDIATE")
