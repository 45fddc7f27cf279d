"""Sends over a connection of the caller's: of psycopg, SQLAlchemy, or Django."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from task_bus_postgres.errors import one_line
from task_bus_postgres.schema import quoted
from task_bus_postgres.words import encoded, rank_of
from task_core.api import BusError, Message, SendError, UsageError

_SEND = (
    "SELECT {schema}.send(%s::text[], %s::bytea[], %s::int[], %s::float8[], %s::int[],"
    " %s::text[])"
)
AGAIN = "40"
_OTHER = "; is it one of the database of the bus?"
HINTS = {
    AGAIN: "; run it again",
    "3F": _OTHER,
    "42": _OTHER,
    "42501": "; its user needs the rights that `task postgres schema --user` grants",
}
"""By SQLSTATE, or the class of it: what to do."""
Execute = Callable[[str, tuple[Any, ...]], object]


def send_within(schema: str, messages: Sequence[Message], connection: Any) -> None:
    """Send within the transaction of a connection, which stays open.

    Raises:
        UsageError: It is no connection that this can be done with.
        SendError: The database refuses.
    """
    execute = _execute_of(connection)
    sql = _SEND.format(schema=quoted(schema))
    try:
        execute(sql, _words_of(messages))
    except BusError:
        raise
    except Exception as error:
        state, text = _told_by_driver(error)
        hint = HINTS.get(state) or HINTS.get(state[:2], "")
        told = f"bus 'postgres': nothing was sent within this transaction ({text})"
        raise SendError(
            f"{told}{hint}", range(len(messages)), transient=state[:2] == AGAIN
        ) from error


def _told_by_driver(error: Exception) -> tuple[str, str]:
    """Return SQLSTATE and text of a driver's error, also from within another."""
    at: BaseException | None = error
    while at is not None:
        for one in (at, getattr(at, "orig", None)):
            for name in ("sqlstate", "pgcode"):
                if state := getattr(one, name, None):
                    return str(state), one_line(str(one))
        at = at.__cause__
    return "", one_line(str(error))


def _execute_of(connection: Any) -> Execute:
    """Return what runs a statement on it."""
    if inspect.iscoroutinefunction(getattr(connection, "commit", None)):
        raise UsageError(
            "a connection for asyncio cannot be sent with: take one that blocks; of"
            " SQLAlchemy, the one that `run_sync` gives"
        )
    if hasattr(connection, "get_bind") and hasattr(connection, "connection"):
        connection = connection.connection()  # a session of SQLAlchemy
    _refuse_others(connection)
    if hasattr(connection, "exec_driver_sql"):
        execute: Execute = connection.exec_driver_sql
        return execute
    if not hasattr(connection, "cursor"):
        raise UsageError(
            f"no connection to PostgreSQL: {connection!r}; give one of psycopg,"
            " SQLAlchemy or Django"
        )

    def run(sql: str, words: tuple[Any, ...]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, words)

    return run


def _refuse_others(connection: Any) -> None:
    """Refuse a connection to a database of another kind."""
    dialect = getattr(connection, "dialect", None)
    kind = getattr(connection, "vendor", None) or getattr(dialect, "name", "postgresql")
    if kind != "postgresql":
        raise UsageError(
            f"this connection leads to a database of {kind}; the tasks of the bus"
            " 'postgres' are in PostgreSQL"
        )


def _words_of(messages: Sequence[Message]) -> tuple[Any, ...]:
    """Return messages as the function `send` reads them, for any driver."""
    names = list(dict.fromkeys(one.topic for one in messages))
    numbers = {name: number for number, name in enumerate(names, 1)}
    headers = [
        encoded(one.headers).decode() if one.headers else None for one in messages
    ]
    ranks = [rank_of(one.priority) for one in messages]
    return (
        names,
        [one.body for one in messages],
        [numbers[one.topic] for one in messages],
        [float(one.delay) for one in messages],
        ranks if any(ranks) else None,
        headers if any(headers) else None,
    )
