"""One connection: statements whose answers come in time, or that are given up."""

import select
from time import monotonic
from typing import Any

import psycopg
from psycopg import pq

from task_bus_postgres.dialer import Dialer
from task_bus_postgres.errors import GoneError, error_of, of_state
from task_core.api import BusConnectionError

IDLE = 1.0
"""After so many seconds of silence the server may have hung up, as many do at night."""
_FINE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_STATE = pq.DiagnosticField.SQLSTATE
Row = tuple[Any, ...]


class Link:
    """A connection that is made when it is needed, and made anew when it was lost.

    psycopg connects; for statements it is used at the level of libpq, which takes half
    the time.

    Args:
        dialer: Connects.
        prepares: Have the server remember statements; not behind PgBouncer.
        generation: Counts the connections: another one knows nothing of the last.
    """

    def __init__(self, dialer: Dialer, *, prepares: bool) -> None:
        self._dialer = dialer
        self._prepares = prepares
        self.generation = 0
        self._connection: psycopg.Connection[Any] | None = None
        self._pg: Any = None
        self._poll, self._events = select.poll(), 0
        self._known: dict[bytes, bytes] = {}
        self._used_at = 0.0

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as we know."""
        return self._connection is not None

    def connect(self) -> None:
        """Connect, unless there is a connection that lives.

        Raises:
            BusConnectionError: The server cannot be reached.
            BusError: It does not let us in.
        """
        now = monotonic()
        if self._connection and now - self._used_at > IDLE and self._is_over():
            self.drop()
        self._used_at = now
        if self._connection is None:
            self._connection = self._dialer.dial()
            self.generation += 1
            self._pg = self._connection.pgconn
            self._poll = select.poll()
            self._events = select.POLLIN
            self._poll.register(self._pg.socket, self._events)
            self._known = {}

    def call(self, statement: bytes, *words: bytes | None) -> list[Row]:
        """Run a statement and return its rows, all values binary.

        Raises:
            BusError: As `connect`, or the server refuses.
        """
        self.connect()
        try:
            return self._run(statement, list(words))
        except psycopg.Error as error:
            told = error_of(error, self._dialer.address)
            self.drop()
            raise BusConnectionError(str(told)) from None
        except GoneError:
            self.drop()
            self._dialer.forget()
            raise
        except BusConnectionError:
            self.drop()
            raise
        except (KeyboardInterrupt, SystemExit):  # an answer is on its way to nobody
            self.drop()
            raise

    def news(self) -> list[bytes]:
        """Return what the server has notified us of since last asked."""
        found = []
        try:
            self._pg.consume_input()
            while (one := self._pg.notifies()) is not None:
                found.append(bytes(one.extra))
        except psycopg.Error as error:
            self.drop()
            raise error_of(error, self._dialer.address) from None
        return found

    def fileno(self) -> int:
        """Return the descriptor that is ready when there are news."""
        descriptor: int = self._pg.socket
        return descriptor

    def drop(self) -> None:
        """Close the connection; the next call makes another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _is_over(self) -> bool:
        """Whether the server has hung up."""
        if not self._poll.poll(0):
            return False
        try:
            self._pg.consume_input()
        except psycopg.Error:
            return True
        return bool(self._pg.status != pq.ConnStatus.OK)

    def _run(self, statement: bytes, words: list[bytes | None]) -> list[Row]:
        pg, formats = self._pg, [1] * len(words)
        if not self._prepares:
            pg.send_query_params(statement, words, None, formats, 1)
        else:
            if (name := self._known.get(statement)) is None:
                name = f"task_{len(self._known)}".encode()
                pg.send_prepare(name, statement)
                self._answer()
                self._known[statement] = name
            pg.send_query_prepared(name, words, formats, 1)
        return self._answer()

    def _answer(self) -> list[Row]:
        """Wait for the answer to what was sent."""
        pg, deadline = self._pg, monotonic() + self._dialer.timeout
        while pg.flush():
            self._wait(deadline, select.POLLIN | select.POLLOUT)
            pg.consume_input()
        result = last = None
        while True:
            while pg.is_busy():
                self._wait(deadline)
                pg.consume_input()
            if (last := pg.get_result()) is None:
                break
            result = last
        if result is None or result.status not in _FINE:
            raise self._refusal(result)
        value, columns = result.get_value, range(result.nfields)
        return [
            tuple([value(row, column) for column in columns])
            for row in range(result.ntuples)
        ]

    def _wait(self, deadline: float, events: int = select.POLLIN) -> None:
        if events != self._events:
            self._poll.modify(self._pg.socket, events)
            self._events = events
        if not self._poll.poll(max(0.0, deadline - monotonic()) * 1000):
            raise BusConnectionError(
                f"PostgreSQL at {self._dialer.address}: does not answer in time"
            )

    def _refusal(self, result: Any) -> Exception:
        if result is None:
            return of_state("", "no answer", self._dialer.address)
        state = (result.error_field(_STATE) or b"").decode()
        text = result.error_message.decode("utf-8", "replace")
        return of_state(state, text, self._dialer.address)
