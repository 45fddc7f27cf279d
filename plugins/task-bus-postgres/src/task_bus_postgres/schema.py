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


def check(
    connection: "psycopg.Connection[Any]", schema: str, address: str, *, create: bool
) -> None:
    """See that the schema is there; make it, or bring it up to date.

    Raises:
        BusError: It is newer than this program, or we must not make it.
    """
    try:
        version = _version(connection, schema, address)
        if version < VERSION and not create:
            raise BusError(
                f"PostgreSQL at {address}: has no schema '{schema}' of tasks: the first"
                " send or launch makes it; if there were some, look at option dbname"
            )
        if version < VERSION:
            with connection.transaction():  # others may be at it
                connection.execute(_LOCK.format(schema=quoted(schema)).encode())
                if (version := _version(connection, schema, address)) < VERSION:
                    connection.execute(sql_of(schema, version).encode())
    except psycopg.Error as error:
        raise error_of(error, address) from None


def _version(connection: "psycopg.Connection[Any]", schema: str, address: str) -> int:
    """Return that of the database; 0 if there is none."""
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
