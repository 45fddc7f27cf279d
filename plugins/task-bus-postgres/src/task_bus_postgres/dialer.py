"""Connects, and sees that the server can be used."""

import logging
import math
from typing import Any

import psycopg

from task_bus_postgres import schema
from task_bus_postgres.errors import error_of
from task_bus_postgres.options import PostgresOptions
from task_core.api import BusError

OLDEST = 12
"""Of the server's versions."""
_log = logging.getLogger("task.bus.postgres")


class Dialer:
    """Connects, for all connections of a bus.

    Args:
        options: See the manifest.
        create: Make the schema if it is missing.
    """

    def __init__(self, options: PostgresOptions, *, create: bool) -> None:
        self._options = options
        self._create = create
        self._checked = False
        self.address = f"{options.host}:{options.port}"
        self.timeout = options.timeout.total_seconds()

    def dial(self) -> "psycopg.Connection[Any]":
        """Connect, and see once that the schema is there.

        Raises:
            BusConnectionError: The server cannot be reached.
            BusError: It does not let us in, or is of no use.
        """
        try:
            connection = psycopg.connect(**self._words())
        except psycopg.Error as error:
            raise error_of(error, self.address) from None
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
        schema.check(
            connection, self._options.schema, self.address, create=self._create
        )
        self._warn(connection)
        self._checked = True

    def _warn(self, connection: "psycopg.Connection[Any]") -> None:
        ((sync,),) = connection.execute("SHOW synchronous_commit").fetchall()
        if sync == "off":
            _log.warning(
                "PostgreSQL at %s has synchronous_commit=off: when it crashes, what it"
                " confirmed in its last moments is lost",
                self.address,
            )

    def _words(self) -> dict[str, Any]:
        """Return what libpq wants to know; what is empty, it finds by itself."""
        options = self._options
        words = {
            "host": options.host,
            "port": options.port,
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
