"""Connects, and sees that the server can be used."""

import contextlib
import logging
import math
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import psycopg

from task_bus_postgres import schema
from task_bus_postgres.errors import error_of
from task_bus_postgres.options import PostgresOptions
from task_core.api import BusConnectionError, BusError, OptionError, addresses_of

Place = tuple[str, int]
OLDEST = 12
"""Of the server's versions."""
_log = logging.getLogger("task.bus.postgres")


class Dialer:
    """Connects, for all connections of a bus.

    Args:
        options: See the manifest.
        create: Make the schema if it is missing.
        address: Of the server that was found last.

    Raises:
        OptionError: The option `host` names no servers.
    """

    def __init__(self, options: PostgresOptions, *, create: bool) -> None:
        self._options = options
        self._create = create
        self._checked = False
        self._places = places_of(options)
        self.address = _shown(self._places[0])
        self.timeout = options.timeout.total_seconds()

    def dial(self) -> "psycopg.Connection[Any]":
        """Connect to the first that can be written to; see once that it can be used.

        Raises:
            BusConnectionError: None can be reached, or takes what is written.
            BusError: One does not let us in, or is of no use.
        """
        failures = []
        for at, place in enumerate(self._places):
            try:
                connection = self._connect(place)
            except BusConnectionError as error:
                failures.append(str(error))
                continue
            self._places = [*self._places[at:], *self._places[:at]]
            return connection
        raise BusConnectionError("; ".join(dict.fromkeys(failures)))

    def _connect(self, place: Place) -> "psycopg.Connection[Any]":
        address = _shown(place)
        try:
            connection = psycopg.connect(**self._words(place))
        except psycopg.Error as error:
            raise error_of(error, address) from None
        self.address = address
        try:
            self._look(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def forget(self) -> None:
        """See again whether the schema is there, with the next connection."""
        self._checked = False

    def _look(self, connection: "psycopg.Connection[Any]") -> None:
        if self._checked:
            return
        version = connection.info.server_version // 10000
        if version < OLDEST:
            raise BusError(
                f"PostgreSQL at {self.address}: is of version {version}, too old:"
                f" take {OLDEST} or newer"
            )
        with self._in_time(connection):
            name, address = self._options.schema, self.address
            found = schema.version_of(connection, name, address)
            self._warn(connection)
        if found < schema.VERSION:  # which may take long
            schema.make(connection, name, address, found, create=self._create)
        self._checked = True

    @contextlib.contextmanager
    def _in_time(self, connection: "psycopg.Connection[Any]") -> Iterator[None]:
        """Hang up on a server that falls silent: psycopg would wait for ever.

        Raises:
            BusConnectionError: It did.
        """
        is_late = threading.Event()

        def hang_up() -> None:
            is_late.set()
            with contextlib.suppress(OSError):
                copy = socket.socket(fileno=os.dup(connection.fileno()))
                with copy:
                    copy.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self.timeout, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (BusError, psycopg.Error) as error:
            if is_late.is_set():
                text = f"PostgreSQL at {self.address}: does not answer in time"
                raise BusConnectionError(text) from None
            if isinstance(error, BusError):
                raise
            raise error_of(error, self.address) from None
        finally:
            timer.cancel()
            timer.join()

    def _warn(self, connection: "psycopg.Connection[Any]") -> None:
        ((sync,),) = connection.execute("SHOW synchronous_commit").fetchall()
        if sync == "off":
            _log.warning(
                "PostgreSQL at %s has synchronous_commit=off: when it crashes, what it"
                " confirmed in its last moments is lost",
                self.address,
            )

    def _words(self, place: Place) -> dict[str, Any]:
        """Return what libpq wants to know; what is empty, it finds by itself."""
        options = self._options
        words = {
            "host": place[0],
            "port": place[1],
            "target_session_attrs": "read-write" if len(self._places) > 1 else "",
            "dbname": options.dbname.strip("/"),
            "user": options.user,
            "password": options.password,
            "sslmode": options.sslmode.value,
            "sslrootcert": options.sslrootcert,
            "sslcert": options.sslcert,
            "sslkey": options.sslkey,
            "connect_timeout": math.ceil(options.connect_timeout.total_seconds()),
            "application_name": "task",
            "autocommit": True,
            "prepare_threshold": None,
        }
        return {name: it for name, it in words.items() if it not in ("", None)} | {
            "prepare_threshold": None
        }


def places_of(options: PostgresOptions) -> list[Place]:
    """Return where the server may be.

    Raises:
        OptionError: That is no host, with a port or without.
    """
    if options.host.startswith(("/", "@")):  # a socket
        return [(options.host, options.port)]
    try:
        return addresses_of(options.host, options.port)
    except ValueError as error:
        raise OptionError([f"bus.postgres.host: {error}"]) from None


def _shown(place: Place) -> str:
    host = f"[{place[0]}]" if ":" in place[0] else place[0]
    return f"{host}:{place[1]}"
