"""The topics of a database: their numbers, and sending to them."""

from collections.abc import Sequence
from itertools import count
from time import time

import msgspec

from task_bus_sqlite.file import SqliteFile
from task_bus_sqlite.schema import SPAN
from task_core.api.message import Message
from task_core.errors import PayloadError

_INSERT = "INSERT INTO messages (id, due, headers, body) VALUES (?, ?, ?, ?)"
_BODIES = "SELECT body FROM messages WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
# What is settled is deleted, so the cursors also say which numbers were used.
_LAST = """
    SELECT max(
        :topic * :span,
        ifnull((SELECT max(id) FROM messages WHERE id < (:topic + 1) * :span), 0),
        ifnull((SELECT max(cursor) FROM channels WHERE topic = :topic), 0)
    )
"""

_encode = msgspec.json.encode


class Topics:
    """Knows the topics and appends messages to them.

    Args:
        file: Where they are.
    """

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._ids: dict[str, int] = {}

    def names(self) -> list[str]:
        """Return the names, sorted."""
        rows = self._file.rows("SELECT name FROM topics ORDER BY name")
        return [name for (name,) in rows]

    def find(self, name: str) -> int | None:
        """Return the id of a topic; None when there is no such topic."""
        row = self._file.read("SELECT id FROM topics WHERE name = ?", (name,))
        return int(row[0]) if row else None

    def bodies(self, name: str, limit: int) -> list[bytes]:
        """Return up to `limit` bodies that are kept of a topic, oldest first."""
        topic = self.find(name) or 0
        ends = (topic * SPAN, (topic + 1) * SPAN, limit)
        return [body for (body,) in self._file.rows(_BODIES, ends)]

    def id_of(self, name: str) -> int:
        """Return the id of a topic, which is made when missing; in no transaction.

        Raises:
            PayloadError: The name is empty.
        """
        found = self._ids.get(name) or self.find(name)
        if not found:
            found = self._make(name)
        self._ids[name] = found
        return found

    def _make(self, name: str) -> int:
        if not name:
            raise PayloadError("topic required: its name is empty")
        with self._file.transaction:
            self._file.execute(
                "INSERT OR IGNORE INTO topics (name) VALUES (?)", (name,)
            )
        found = self.find(name)
        assert found
        return found

    def resolve(self, messages: Sequence[Message]) -> None:
        """Make the topics of messages that are about to be appended."""
        for name in {message.topic for message in messages} - self._ids.keys():
            self.id_of(name)

    def append(self, messages: Sequence[Message]) -> None:
        """Add messages; inside a transaction, after `resolve`."""
        for name in {message.topic for message in messages}:
            group = [message for message in messages if message.topic == name]
            numbers = count(self.last_of(self._ids[name]) + 1)
            now = time()
            rows = [
                (number, m.delay and now + m.delay, _packed(m.headers), m.body)
                for number, m in zip(numbers, group, strict=False)
            ]
            self._file.executemany(_INSERT, rows)

    def last_of(self, topic: int) -> int:
        """Return the highest number that a topic has used."""
        number: int = self._file.read(_LAST, {"topic": topic, "span": SPAN})[0]
        return number


def _packed(headers: dict[str, str] | None) -> bytes | None:
    return _encode(headers) if headers else None
