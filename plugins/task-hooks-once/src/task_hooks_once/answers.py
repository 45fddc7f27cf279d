"""Connections to PostgreSQL that do not wait for ever: a frozen server says nothing.

The kernel of its machine goes on confirming what it is sent, so that neither its own
limit of a statement nor those of TCP end such a wait.
"""

from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import waiting


class SilentError(psycopg.OperationalError):
    """No answer has come in time."""


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes too long."""

    seconds = 60.0
    """How long it may take."""

    def wait(self, gen: Any, *_: Any, **__: Any) -> Any:
        """Wait for an answer, as the library asks for it.

        By its loop in Python: older ones in C tell nobody that time has passed.
        """
        limited, number = self._limited(gen), self.pgconn.socket
        return waiting.wait_selector(limited, number, interval=self.seconds)

    def _limited(self, answer: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        ready = None
        while True:
            try:
                ready = yield answer.send(ready)
            except StopIteration as done:
                return done.value
            if not ready:
                self.close()
                raise SilentError(f"it has not answered for {self.seconds:g}s")
