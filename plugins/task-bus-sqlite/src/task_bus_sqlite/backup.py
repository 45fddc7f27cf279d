"""`task backup-sqlite`: copies a database of tasks that is in use."""

import contextlib
import errno
import os
import sqlite3
import tempfile

import click

from task_bus_sqlite.errors import translate
from task_bus_sqlite.setup import open_file
from task_core.api import BusError, UsageError

PATIENCE = 30.0
"""Seconds to wait while the file is locked."""
OF_COPY = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC)
"""What is about the copy: of the database itself is only read."""

HELP = """Copy the file of a bus sqlite while it is in use.

The copy is whole, of one moment, and as small as can be. Copied by other means, a file
that somebody writes to is torn.

\b
Examples:
  task backup-sqlite task.db copy.db
  task topics --bus sqlite:copy.db
"""


def make() -> click.Command:
    """Return the command."""
    return command


@click.command(help=HELP)
@click.argument("file", type=click.Path())
@click.argument("copy", type=click.Path())
def command(file: str, copy: str) -> None:
    """Is replaced by the help text above."""
    back_up(file, copy)
    click.echo(f"{copy}: {os.stat(copy).st_size:,} bytes", err=True)


def back_up(path: str, copy: str) -> None:
    """Copy a database.

    Args:
        path: The database; others may use it meanwhile.
        copy: Where to; only its owner can read it.

    Raises:
        UsageError: The copy cannot be made there, or something is there already.
        BusError: The database cannot be read, or the disk is full.
    """
    source = open_file(path, "normal", PATIENCE, create=False)
    try:
        # Under a name of its own until it is whole: who is killed leaves no half copy.
        part = _begin(path, copy)
        try:
            source.rows("VACUUM INTO ?", (part,))
            _name(part, copy)
        except BusError as error:
            raise _of_whom(error, copy) from None
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
    finally:
        source.close()


def _of_whom(error: BusError, copy: str) -> BusError:
    """Return an error of the copying; it names the copy if that could not be written.

    Args:
        error: What names the database.
        copy: Where to.
    """
    said = error.__context__
    if isinstance(said, sqlite3.Error) and said.sqlite_errorcode in OF_COPY:
        return translate(said, copy)
    return error


def _begin(path: str, copy: str) -> str:
    """Make the empty file that SQLite fills, beside the copy; only its owner reads it.

    Args:
        path: The database.
        copy: What it will be called.
    """
    if os.path.exists(copy) and os.path.samefile(path, copy):
        raise _refused(copy, "it is the file itself; name another one")
    _refuse_what_is_there(copy)
    folder, name = os.path.split(os.path.abspath(copy))
    try:
        number, part = tempfile.mkstemp(".part", f"{name}.", folder)
    except OSError as error:
        raise _refused(copy, error.strerror) from None
    os.close(number)
    return part


def _name(part: str, copy: str) -> None:
    """Give a whole copy its name: nothing is ever written over."""
    try:
        os.link(part, copy)
    except OSError:  # something is there; or the file system knows one name for a file
        _refuse_what_is_there(copy)
        try:
            os.rename(part, copy)
        except OSError as error:
            raise _refused(copy, error.strerror) from None


def _refuse_what_is_there(copy: str) -> None:
    if os.path.lexists(copy):
        raise _refused(copy, os.strerror(errno.EEXIST)) from None


def _refused(copy: str, reason: str | None) -> UsageError:
    return UsageError(f"cannot copy to '{copy}': {reason}")
