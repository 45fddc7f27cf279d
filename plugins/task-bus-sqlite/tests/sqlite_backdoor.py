"""The way of the kit to a database file: SQL."""

import sqlite3
import time

from task_bus_sqlite.schema import SPAN
from task_testing import Backdoor

from task_core.api import BusContext


class SqliteBackdoor(Backdoor):
    """Speaks SQL to the file.

    Args:
        plugin: Makes the file's tables.
        options: Say where it is.
    """

    broker = f"SQLite {sqlite3.sqlite_version}"

    def __init__(self, plugin, options):
        self.path = options.path
        plugin.open(options, BusContext()).close()

    def put(self, topic, bodies):
        with self._open() as file:
            number = self._topic(file, topic) * SPAN
            used = "SELECT max(cursor) FROM channels WHERE topic = ?"
            (cursor,) = file.execute(used, (number // SPAN,)).fetchone()
            last = "SELECT max(id) FROM messages WHERE id BETWEEN ? AND ?"
            (held,) = file.execute(last, (number, number + SPAN - 1)).fetchone()
            first = max(number, cursor or 0, held or 0) + 1
            rows = [(first + n, 0, body) for n, body in enumerate(bodies)]
            insert = "INSERT INTO messages (id, due, body) VALUES (?, ?, ?)"
            file.executemany(insert, rows)

    def take(self, topic):
        with self._open() as file:
            number = self._topic(file, topic) * SPAN
            select = "SELECT body FROM messages WHERE id BETWEEN ? AND ? ORDER BY id"
            rows = file.execute(select, (number, number + SPAN - 1)).fetchall()
        return [bytes(body) for (body,) in rows]

    def in_flight(self, topic, channel):
        with self._open() as file:
            select = (
                "SELECT count(*) FROM held JOIN channels ON channels.id = held.channel"
                " JOIN topics ON topics.id = channels.topic"
                " WHERE topics.name = ? AND channels.name = ?"
                " AND due > ? AND owner != 0"
            )
            return file.execute(select, (topic, channel, time.time())).fetchone()[0]

    def _open(self):
        file = sqlite3.connect(self.path, timeout=10)
        file.execute("BEGIN IMMEDIATE")
        return _Transaction(file)

    def _topic(self, file, name):
        file.execute("INSERT OR IGNORE INTO topics (name) VALUES (?)", (name,))
        select = "SELECT id FROM topics WHERE name = ?"
        return file.execute(select, (name,)).fetchone()[0]


class _Transaction:
    """A connection that commits and closes."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self.file

    def __exit__(self, *error):
        self.file.commit()
        self.file.close()
