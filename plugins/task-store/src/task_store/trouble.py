"""What a database says, told as one clear line of the store."""

import sqlite3

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoneFreeError

from task_store.errors import StoreAwayError, StoreError
from task_store.place import Place

_FILE: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_BUSY: (StoreAwayError, "others write to it without an end"),
    sqlite3.SQLITE_LOCKED: (StoreAwayError, "others write to it without an end"),
    sqlite3.SQLITE_FULL: (StoreAwayError, "the disk is full"),
    sqlite3.SQLITE_IOERR: (StoreAwayError, "the disk fails"),
    sqlite3.SQLITE_CANTOPEN: (
        StoreError,
        "it cannot be opened: name a file in a folder that may be written to",
    ),
    sqlite3.SQLITE_READONLY: (
        StoreError,
        "it is read-only: name a file that may be written to",
    ),
    sqlite3.SQLITE_PERM: (StoreError, "it may not be opened: give it the rights"),
    sqlite3.SQLITE_NOTADB: (StoreError, "it is no SQLite file: name another one"),
    sqlite3.SQLITE_CORRUPT: (
        StoreError,
        "it is damaged: restore it, or name another one",
    ),
}
_SERVER: dict[str, tuple[type[StoreError], str]] = {
    "08": (StoreAwayError, "the connection is lost"),
    "40": (StoreAwayError, "others were faster"),
    "53": (StoreAwayError, "it takes nothing more now"),
    "55": (StoreAwayError, "others hold what is needed"),
    "57": (StoreAwayError, "it is not ready"),
    "58": (StoreAwayError, "its disk fails"),
    "25": (StoreAwayError, "it takes nothing that is written: name the primary"),
    "28": (StoreError, "it does not let us in: give user and password in the URL"),
    "3D": (StoreError, "there is no such database: name another one, or make it"),
    "42": (StoreError, "it refuses"),
}
_WORDS = (
    ("authentication failed", _SERVER["28"]),
    ("no password supplied", _SERVER["28"]),
    ("no pg_hba.conf entry", _SERVER["28"]),
    ('role "', _SERVER["28"]),
    ('database "', _SERVER["3D"]),
    ("invalid connection option", (StoreError, "its URL says what it does not know")),
    ("invalid sslmode", (StoreError, "its URL says what it does not know")),
)
"""Of errors that come without a state, while connecting."""
_OURS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""What is wrong with that which was asked for: the same will always be refused, also
by the driver, which gives no state and asks no server."""


def error_of(error: SQLAlchemyError | sqlite3.Error, place: Place) -> StoreError:
    """Return the error of the store for one of the library's, or of the driver's."""
    if isinstance(error, NoneFreeError):
        return StoreAwayError(f"{place.name}: too many threads use it at once")
    origin: BaseException | None = error if isinstance(error, sqlite3.Error) else None
    if isinstance(error, DBAPIError):
        origin = error.orig
    if origin is None:
        return StoreError(f"{place.name}: {_line(str(error))}")
    text = _line(str(origin))
    if isinstance(origin, sqlite3.Error):
        kind, meaning = _of_file(origin)
    else:
        state = getattr(origin, "sqlstate", None) or ""
        kind, meaning = _of_server(state, text, ours=isinstance(error, _OURS))
    return kind(f"{place.name}: {meaning} ({text})")


def _of_file(error: sqlite3.Error) -> tuple[type[StoreError], str]:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _FILE.get(code, (StoreError, "it refuses"))


def _of_server(state: str, text: str, *, ours: bool) -> tuple[type[StoreError], str]:
    if found := _SERVER.get(state[:2]):
        return found
    for words, meaning in _WORDS:
        if words in text:
            return meaning
    if state or ours:
        return StoreError, "it refuses"
    return StoreAwayError, "it cannot be reached"


def _line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:2]) or "no reason was given"
