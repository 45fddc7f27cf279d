"""What all parts of a store share: transactions, the time, clear errors."""

import contextlib
import logging
import os
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    Engine,
    Table,
    bindparam,
    cast,
    delete,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from task_core.api import Clock
from task_store import schema
from task_store.engine import (
    Identity,
    identity,
    log_path,
    make_engine,
    make_file,
    remove_log,
)
from task_store.errors import StoreAwayError
from task_store.place import Place
from task_store.trouble import error_of

log = logging.getLogger("task.store")
DROPPED = 5000
"""Rows that one transaction drops: others wait for it."""
GONE = (
    "its file was removed or replaced: what it knew is gone with it, and what is there"
    " now is used"
)
Insert = sqlite.Insert | postgresql.Insert


class Database:
    """A file or a server; may be used by several threads.

    Args:
        place: Where it is.
        clock: A test's; when None, the time is that of the server, or of the machine
            that has the file: so instances agree, whatever their own clocks say.
        owner: Stands for this instance in the rows that it holds.
    """

    def __init__(self, place: Place, clock: Clock | None) -> None:
        self.place = place
        self.owner = uuid.uuid4().hex
        self.server = not place.path
        self._clock = clock
        self._engine = make_engine(place)
        self._hasty = self._engine.execution_options(hasty=True)
        self._lock = threading.Lock()
        self._open = False
        self._file: Identity | None = None
        self._log: Identity | None = None
        self._pid = os.getpid()
        self._local = threading.local()
        self.now: ColumnElement[float] = (
            cast(func.extract("epoch", func.clock_timestamp()), Double)
            if self.server and clock is None
            else bindparam(None, callable_=self.time, type_=Double)
        )
        """The time when a statement runs, as a part of it."""

    @contextlib.contextmanager
    def writing(self, *, hasty: bool = False) -> Iterator[Connection]:
        """`with` it: all that is done inside happens, or nothing does.

        Inside another one of the same thread it is a part of that.

        Args:
            hasty: Whether what is done in a file may be lost with the power (it is not
                when a process ends, in whatever way): then no disk is waited for.

        Raises:
            StoreAwayError: It does not answer now.
            StoreError: It cannot be used.
        """
        outer: Connection | None = getattr(self._local, "connection", None)
        if outer is not None:
            with self._told():
                yield outer
            return
        with self._told():
            self._engine_of_process()
            with (self._hasty if hasty else self._engine).begin() as connection:
                self._local.connection = connection
                try:
                    yield connection
                finally:
                    self._local.connection = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """`with` it to look; sees what this thread is about to write.

        Raises:
            StoreAwayError: It does not answer now.
            StoreError: It cannot be used.
        """
        outer: Connection | None = getattr(self._local, "connection", None)
        with self._told():
            if outer is not None:
                yield outer
                return
            with self._engine_of_process().connect() as connection:
                yield connection.execution_options(reading=True)

    def holds(self, column: "Column[bytes]", text: bytes) -> ColumnElement[bool]:
        """Return the condition that bytes have a text in them; it looks at each row."""
        if not self.server:
            return func.instr(column, text) > 0
        plain = re.sub(rb"([\\%_])", rb"\\\1", text)
        return column.op("~~", is_comparison=True)(b"%" + plain + b"%")

    def time(self) -> float:
        """Return the time of the store, in seconds since 1970."""
        if self._clock is not None or not self.server:
            return self._clock.time() if self._clock else time.time()
        with self.reading() as connection:
            return float(connection.execute(select(self.now)).scalar_one())

    def insert(self, table: Table) -> Any:
        """Return an insert that knows what to do with rows that are there."""
        return postgresql.insert(table) if self.server else sqlite.insert(table)

    def drop(self, table: Table, old: ColumnElement[bool]) -> int:
        """Drop rows, and return how many: in parts, as others wait for each.

        So each is quick, however many there are: a server ends what takes long.

        Args:
            table: Whose.
            old: Which; what it asks for should have an index.
        """
        key = tuple_(*table.primary_key.columns)
        some = select(*table.primary_key.columns).where(old).limit(DROPPED)
        total, gone = 0, DROPPED
        while gone >= DROPPED:
            with self.writing() as connection:
                gone = connection.execute(delete(table).where(key.in_(some))).rowcount
            total += gone
        return total

    def close(self) -> None:
        """Close all connections; may be repeated."""
        with self._lock:
            self._engine.dispose(close=self._pid == os.getpid())
            self._open = False
            if identity(self._log_path) != self._log:  # it goes with its last user
                self._log = None

    def _engine_of_process(self) -> Engine:
        """Return the engine, with connections of this process, and tables."""
        with self._lock:
            if self._pid != os.getpid():  # a fork must leave its parent's alone
                self._engine.dispose(close=False)
                self._pid = os.getpid()
            if self._file is not None:
                self._check_file()
            if not self._open:
                self._prepare()
        return self._engine

    def _prepare(self) -> None:
        """Connect, see to the tables, and note which files they are in."""
        file = self._file
        if self.place.path and file is None:
            make_file(self.place.path)
            file = identity(self.place.path)
        schema.prepare(self._engine, self.place)
        self._open = True
        if self.place.path:
            self._file, self._log = file, identity(self._log_path)

    @property
    def _log_path(self) -> str:
        return log_path(self.place.path)

    def _check_file(self) -> None:
        """See whether the file is still where it was.

        Who goes on with one that was removed or replaced writes what nobody else, and
        nobody later, will ever see.

        Raises:
            StoreAwayError: It is not; the next call goes on with what is there.
        """
        if identity(self.place.path) == self._file:
            return
        self._open, self._file = False, None
        self._engine.dispose()
        remove_log(self.place.path, self._log)
        log.warning("%s: %s", self.place.name, GONE)
        raise StoreAwayError(f"{self.place.name}: {GONE}")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise error_of(error, self.place) from error
