"""Connections to PostgreSQL that do not wait for ever: a frozen server says nothing.

The kernel of its machine goes on confirming what it is sent, so that neither its own
limit of a statement nor those of TCP end such a wait.
"""

import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import waiting

from task_store.waiting import beat

LOOK_EVERY = 0.1
"""Seconds between two signs of life, and looks at the time."""


def connect(seconds: float, *words: Any, **more: Any) -> "psycopg.Connection[Any]":
    """Connect.

    Args:
        seconds: How long each answer may take.
        words, more: As the library takes them.
    """
    connection = ImpatientConnection.connect(*words, **more)
    connection.seconds = seconds
    return connection


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes too long."""

    seconds = 0.0

    def wait(self, gen: Any, *_: Any, **__: Any) -> Any:
        """Wait for an answer, as the library asks for it.

        By its loop in Python: older ones in C tell nobody that time has passed.
        """
        limited, number = self._limited(gen), self.pgconn.socket
        return waiting.wait_selector(limited, number, interval=LOOK_EVERY)

    def _limited(self, answer: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        ready, end = None, 0.0
        while True:
            try:
                ready = yield answer.send(ready)
            except StopIteration as done:
                return done.value
            if not ready:
                now = time.monotonic()
                end = end or now + self.seconds
                if self.seconds and now >= end:
                    self.close()
                    text = f"it has not answered for {self.seconds:g}s"
                    raise psycopg.OperationalError(text)
                beat()
            else:
                end = 0.0
