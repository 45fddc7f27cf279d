"""`task backup-sqlite`: copies a database of tasks that is in use."""

import contextlib
import os
import sqlite3

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
        _reserve(copy)
        try:
            source.rows("VACUUM INTO ?", (os.path.abspath(copy),))
        except BusError as error:
            with contextlib.suppress(OSError):
                os.unlink(copy)
            raise _of_whom(error, copy) from None
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


def _reserve(path: str) -> None:
    """Make the empty file that SQLite fills: nothing is ever written over."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        # Our own guard of open files gives no text of the system.
        reason = error.strerror or "it is the file itself; name another one"
        raise UsageError(f"cannot copy to '{path}': {reason}") from None
