"""The topics of a database: their numbers, and sending to them."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import cache
from time import time

import msgspec

from task_bus_sqlite.errors import MismatchError
from task_bus_sqlite.file import SqliteFile, Values
from task_bus_sqlite.schema import SPAN
from task_core.api import BusError, Message, PayloadError

_INSERT = (
    "INSERT INTO messages (id, due, headers, body, priority) VALUES (?, ?, ?, ?, ?)"
)
_INSERT_PLAIN = """
    INSERT INTO messages (id, due, body)
    SELECT ? + column1, 0, column2 FROM (VALUES {})
"""
_MAKE = "INSERT OR IGNORE INTO topics (name) VALUES (?)"
_BODIES = "SELECT body FROM messages WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
# What is settled is deleted, so the channels also say which numbers were used.
_LAST = f"""
    max(
        id * {SPAN},
        ifnull((SELECT max(id) FROM messages WHERE id < (topics.id + 1) * {SPAN}), 0),
        ifnull((SELECT max(max(cursor, urgent)) FROM channels WHERE topic = topics.id),
            0)
    )
"""
_FIND = f"SELECT id, {_LAST} FROM topics WHERE name = ?"
# No INSERT … SELECT: what reads its own table is copied first. Without the topic the
# number is a text, which SQLite refuses.
_INSERT_ONE = f"""
    INSERT INTO messages (id, due, headers, body, priority)
    VALUES (ifnull((SELECT {_LAST} + 1 FROM topics WHERE name = ?), ''), ?, ?, ?, ?)
"""
_ROW = 200
"""Bytes of a row beside its body and headers, at most."""
_PORTION = 64
"""Rows of one statement at most: more of them spare little."""
_LARGEST = 2**63 - 1
_REFUSALS = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    UnicodeError,
    OverflowError,
    PayloadError,
    MismatchError,
)
"""What is raised for a message that SQLite cannot have as it is."""

_encode = msgspec.json.encode


class Topics:
    """Knows the topics and appends messages to them.

    Args:
        file: Where they are.
    """

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def names(self) -> list[str]:
        """Return the names, sorted."""
        rows = self._file.rows("SELECT name FROM topics ORDER BY name")
        return [name for (name,) in rows]

    def find(self, name: str) -> tuple[int, int] | None:
        """Return the id of a topic and the last number that it has used, or None.

        It is asked for each time: somebody may have deleted and made it again.
        """
        found: tuple[int, int] | None = self._file.read(_FIND, (name,))
        return found

    def make(self, name: str) -> tuple[int, int]:
        """Return the same of a topic that is made when missing; in a transaction.

        Raises:
            PayloadError: SQLite cannot have that name.
        """
        if problem := _problem_with_name(name):
            raise PayloadError(problem)
        if (found := self.find(name)) is None:
            self._file.execute(_MAKE, (name,))
            found = self.find(name)
        assert found
        return found

    def bodies(self, name: str, limit: int) -> list[bytes]:
        """Return up to `limit` bodies that are kept of a topic, oldest first."""
        topic, _ = self.find(name) or (0, 0)
        ends = (topic * SPAN, (topic + 1) * SPAN, limit)
        return [body for (body,) in self._file.rows(_BODIES, ends)]

    def append(self, messages: Sequence[Message]) -> None:
        """Add messages; inside a transaction.

        Raises:
            PayloadError: SQLite can never carry some of them.
        """
        if len(messages) == 1 and self.append_one(messages[0], self._file.execute):
            return
        try:
            for name in dict.fromkeys(message.topic for message in messages):
                group = [message for message in messages if message.topic == name]
                _, last = self.find(name) or self.make(name)
                if any(m.delay or m.priority or m.headers for m in group):
                    rows = [(at, *_columns(m)) for at, m in enumerate(group, last + 1)]
                    self._file.executemany(_INSERT, rows)
                else:  # most often
                    self._append_plain([m.body for m in group], last + 1)
        except _REFUSALS as error:
            raise self._refusal(messages) or error from None

    def _append_plain(self, bodies: Sequence[bytes], first: int) -> None:
        """Add what is nothing but bodies, in statements of many rows.

        They take two thirds of the time of one row at a time. Powers of two: so there
        are few statements, and each is prepared once.
        """
        begin, left = 0, len(bodies)
        while left:
            rows = min(_PORTION, 1 << (left.bit_length() - 1))
            some = bodies[begin : begin + rows]
            self._file.execute(_insert_plain(rows), (first + begin, *some))
            begin, left = begin + rows, left - rows

    def append_one(
        self, message: Message, execute: Callable[[str, Values], object]
    ) -> bool:
        """Add one message with one statement.

        Args:
            message: What to add.
            execute: The file's, inside a transaction; its `change` outside of one.

        Returns:
            False when more is to be done: `append` makes the topic, or says what is
            wrong.
        """
        try:
            execute(_INSERT_ONE, (message.topic, *_columns(message)))
        except _REFUSALS:
            return False
        return True

    def _refusal(self, messages: Sequence[Message]) -> PayloadError | None:
        """Say what is wrong with the first, and which ones are wrong."""
        longest = self._file.longest - _ROW
        problems = {at: _problem(one, longest) for at, one in enumerate(messages)}
        found = {at: text for at, text in problems.items() if text}
        return PayloadError(next(iter(found.values())), found) if found else None


@cache
def _insert_plain(rows: int) -> str:
    """Return the statement that adds so many rows with successive numbers."""
    return _INSERT_PLAIN.format(", ".join(f"({row}, ?)" for row in range(rows)))


def _columns(message: Message) -> tuple[object, ...]:
    """Return what is stored beside the number of a message."""
    due = message.delay and time() + message.delay
    return due, _packed(message.headers), message.body, message.priority


def _packed(headers: dict[str, str] | None) -> bytes | None:
    return _encode(headers) if headers else None


def _problem(message: Message, longest: int) -> str:
    if problem := _problem_with_name(message.topic):
        return problem
    about = f"bus 'sqlite': a message for topic '{message.topic}'"
    try:
        size = len(message.body) + len(_packed(message.headers) or b"")
    except UnicodeError:
        return f"{about} has headers that are no Unicode text"
    if size > longest:
        return f"{about} has {size} bytes, and SQLite can carry {longest}"
    if abs(message.priority) > _LARGEST:
        return f"{about} has a priority beyond 64 bits"
    return ""


def check_names(*names: str) -> None:
    """See that SQLite can look for topics or channels of these names.

    Raises:
        BusError: It cannot.
    """
    for name in names:
        if not _is_text(name):
            raise BusError(f"bus 'sqlite': {name!r} is no name: it is no Unicode text")


def _problem_with_name(name: str) -> str:
    if not _is_text(name):
        return f"bus 'sqlite': topic {name!r} is no Unicode text"
    return "" if name else "topic required: its name is empty"


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeError:
        return False
    return True
