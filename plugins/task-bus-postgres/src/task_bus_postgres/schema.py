"""The tables and functions in the database: made once, by whoever comes first."""

from functools import cache
from importlib.resources import files
from typing import Any

import psycopg

from task_bus_postgres.errors import error_of
from task_core.api import BusError

VERSION = 1
"""What this program knows."""
# By the tables themselves: what the server remembers of names may be from before the
# lock was ours.
_FIND = """
    SELECT count(*) > 0 FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relname = 'version' AND n.nspname = %s
"""
_READ = "SELECT version, oldest FROM {schema}.version"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('{schema}.version', 0))"


def quoted(schema: str) -> str:
    """Return a name as it is written in SQL."""
    return f'"{schema}"'


@cache
def sql_of(schema: str, after: int = 0) -> str:
    """Return what makes all of a schema, or what leads on from a version."""
    folder = files("task_bus_postgres") / "sql"
    steps = [
        (folder / f"{number}.sql").read_text("utf-8")
        for number in range(after + 1, VERSION + 1)
    ]
    return "\n".join(steps).replace("{schema}", quoted(schema))


def make(
    connection: "psycopg.Connection[Any]",
    schema: str,
    address: str,
    version: int,
    *,
    create: bool,
) -> None:
    """Make the schema, or bring it up to date.

    Args:
        connection: To the database.
        schema: Its name.
        address: Of the server, for messages.
        version: What `version_of` has found.
        create: Whether we may.

    Raises:
        BusError: We must not, or cannot.
    """
    if not create:
        raise BusError(
            f"PostgreSQL at {address}: has no schema '{schema}' of tasks: the first"
            " send or launch makes it; if there were some, look at option dbname"
        )
    try:
        with connection.transaction():  # others may be at it
            connection.execute(_LOCK.format(schema=quoted(schema)).encode())
            if (version := version_of(connection, schema, address)) < VERSION:
                connection.execute(sql_of(schema, version).encode())
    except psycopg.Error as error:
        raise error_of(error, address) from None


def version_of(connection: "psycopg.Connection[Any]", schema: str, address: str) -> int:
    """Return that of the database; 0 if there is none.

    Raises:
        BusError: It is newer than this program.
    """
    (found,) = connection.execute(_FIND, [schema]).fetchall()
    if not found[0]:
        return 0
    read = _READ.format(schema=quoted(schema))
    rows = connection.execute(read.encode()).fetchall()
    version, oldest = max(rows, default=(0, 0))
    if oldest > VERSION:
        raise BusError(
            f"PostgreSQL at {address}: the schema '{schema}' is of version {version},"
            f" and this program knows {VERSION}: update task-bus-postgres"
        )
    return int(version)
