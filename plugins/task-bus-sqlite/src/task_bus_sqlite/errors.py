"""What SQLite says -> one clear line of the bus."""

import os
import re
import sqlite3
import stat
from collections.abc import Sequence

from task_core.api import (
    BusClosedError,
    BusConnectionError,
    BusError,
    LeaseLostError,
    Message,
    PayloadError,
    SendError,
)

_LOGIN = re.compile(r"[^/@]*:[^/@]*@")
"""A path is a file's, but people write URLs of other brokers from habit."""


class LockedError(BusConnectionError):
    """Another program held the file locked for longer than we were willing to wait."""


class DiskError(BusConnectionError):
    """The disk failed; or others still use what is left of a file that has gone."""


class MismatchError(BusError):
    """A value is not of the type of its column."""


_READONLY = (BusError, "it is read-only; give this user the right to write it")
_KNOWN: dict[int, tuple[type[BusError], str]] = {
    sqlite3.SQLITE_FULL: (
        BusConnectionError,
        "the disk is full; nothing of this was written, make room and try again",
    ),
    sqlite3.SQLITE_READONLY: _READONLY,
    sqlite3.SQLITE_PERM: _READONLY,
    sqlite3.SQLITE_CORRUPT: (
        BusError,
        "it is corrupt; `sqlite3 FILE .recover` saves what can still be read",
    ),
    sqlite3.SQLITE_NOTADB: (BusError, "it is no SQLite file; name another one"),
    sqlite3.SQLITE_BUSY: (LockedError, "another program holds it locked"),
    sqlite3.SQLITE_LOCKED: (LockedError, "another program holds it locked"),
    sqlite3.SQLITE_PROTOCOL: (LockedError, "another program holds it locked"),
    sqlite3.SQLITE_MISMATCH: (MismatchError, "a number is none"),
    sqlite3.SQLITE_TOOBIG: (PayloadError, "a message is longer than SQLite can carry"),
}


def primary_code(error: sqlite3.Error) -> int:
    """Return the result code without its extension; 0 when there is none."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether trying again is all that is needed."""
    return _KNOWN.get(primary_code(error), _READONLY)[0] is LockedError


def translate(error: sqlite3.Error, path: str) -> BusError:
    """Return the error to raise in place of one of the driver.

    Args:
        error: The driver's.
        path: The file, for the message.
    """
    code = primary_code(error)
    if code == sqlite3.SQLITE_CANTOPEN:
        return BusError(_line(path, problem_with(path) or "it cannot be opened"))
    if code == sqlite3.SQLITE_IOERR:
        return DiskError(_line(path, f"the disk failed ({error})"))
    kind, reason = _KNOWN.get(code, (BusError, str(error)))
    return kind(_line(path, reason))


def locked(path: str, seconds: float) -> LockedError:
    """Return the error for a lock that did not end."""
    return LockedError(
        _line(path, f"another program has held it locked for {seconds:g}s")
    )


def gone(path: str) -> BusConnectionError:
    """Return the error for a file that is no longer where it was."""
    reason = "it was removed or replaced while in use; going on with what is there now"
    return BusConnectionError(_line(path, reason))


def in_use(path: str) -> BusConnectionError:
    """Return the error for a new file beside which others use the old one's log."""
    reason = (
        "it was removed or replaced, and others still use what was there; trying on"
    )
    return BusConnectionError(_line(path, reason))


def missing(path: str) -> BusError:
    """Return the error for a file that is only to be looked at and is not there."""
    return BusError(f"bus 'sqlite': there is no file '{_shown(path)}'")


def refused(path: str, reason: str) -> BusError:
    """Return the error for a file that we will not touch."""
    return BusError(_line(path, reason))


def problem_with(path: str) -> str:
    """Say why a path cannot be a database that we write, or nothing."""
    if "\0" in path:
        return "a path cannot hold the character NUL"
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        return "it is a directory; name a file in it"
    if not os.path.isdir(folder):
        return f"there is no directory '{_shown(folder)}'; make it first"
    if os.path.exists(path) and (problem := _problem_with_file(path)):
        return problem
    if not _allowed(folder, os.W_OK | os.X_OK):
        where = _shown(folder)
        return f"the directory '{where}' is read-only, and SQLite writes beside it"
    return ""


def _problem_with_file(path: str) -> str:
    if not stat.S_ISREG(os.stat(path).st_mode):
        return "it is no regular file; name another one"
    if not _allowed(path, os.R_OK):
        return "this user may not read it; give it the right to read and write"
    return "" if _allowed(path, os.R_OK | os.W_OK) else _READONLY[1]


def _allowed(path: str, mode: int) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(path, mode, effective_ids=effective)


def _line(path: str, reason: str) -> str:
    return f"bus 'sqlite': cannot use '{_shown(path)}': {reason}"


def _shown(path: str) -> str:
    """Return a path without what looks like a login, and in one line."""
    text = _LOGIN.sub("***@", path)
    return text if text.isprintable() else repr(text)[1:-1]


def of_send(error: BusError, messages: Sequence[Message]) -> BusError:
    """Return the error that tells the caller which messages were not sent: all."""
    if not messages or isinstance(
        error, LeaseLostError | PayloadError | BusClosedError
    ):
        return error
    passing = isinstance(error, BusConnectionError)
    return SendError(str(error), range(len(messages)), transient=passing)
