"""The channels of a database: making and deleting them, and how full each is."""

import os
from time import time

import msgspec

from task_bus_sqlite.file import SqliteFile, Transaction
from task_bus_sqlite.retention import Retention
from task_bus_sqlite.schema import PLACE, SPAN
from task_bus_sqlite.topics import Topics
from task_core.api import ChannelState

LIFE = 60.0
"""Seconds after which a temporary channel goes, if its reader gives no sign of life."""
RENEW_EVERY = LIFE / 3
"""Seconds between two signs of life."""

_FIND = "SELECT id, expires FROM channels WHERE topic = ? AND name = ?"
_MAKE = """
    INSERT INTO channels (id, topic, name, start, born, cursor, urgent, expires)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_FOR_GOOD = "UPDATE channels SET expires = NULL WHERE id = ?"
_BEFORE = f"""
    INSERT INTO held
    SELECT ?, CASE WHEN due <= ? THEN {PLACE} ELSE due END, id, 0, 0, 0
    FROM messages WHERE id > ? AND id <= (SELECT start FROM channels WHERE id = ?)
"""
_FROM_START = f"UPDATE channels SET start = topic * {SPAN} WHERE id = ?"
_IS_TEMPORARY = "SELECT 1 FROM channels WHERE id = ? AND expires IS NOT NULL"
_RENEW = "UPDATE channels SET expires = ? WHERE id = ? AND expires IS NOT NULL"
_ANY = "SELECT 1 FROM channels WHERE topic = ? AND expires IS NULL"
# Who only looks does not delete those whose readers have died, nor show them.
_ALL = """
    SELECT name, id, cursor, urgent, born FROM channels
    WHERE topic = ? AND (expires IS NULL OR expires >= ?) ORDER BY name
"""
_EXPIRED = "SELECT id, topic FROM channels WHERE expires < ?"
_RETURNED = "SELECT count(*) FROM held WHERE channel = ? AND (owner = 0 OR due <= ?)"
_LEASED = "SELECT count(*) FROM held WHERE channel = ? AND owner <> 0 AND due > ?"
_BETWEEN = """
    SELECT count(*) FROM messages
    WHERE id > ? AND id <= ? AND (priority = 0 OR id > ?)
"""
_OLDEST = "SELECT min(id) FROM messages WHERE id > ? AND id < ?"


class Place(msgspec.Struct, frozen=True):
    """Where a channel is.

    Args:
        topic, channel: Ids.
        temporary: Whether it goes with its reader.
    """

    topic: int
    channel: int
    temporary: bool


class Channels:
    """Knows the channels.

    Args:
        file: Where they are.
        topics: Those that they belong to.
        retention: What becomes of the messages of a channel that goes.
        from_start: A new channel is to see all that is kept. The first channel of a
            topic that stays always does: what was sent before has waited for it.
    """

    def __init__(
        self, file: SqliteFile, topics: Topics, retention: Retention, from_start: bool
    ) -> None:
        self._file = file
        self._topics = topics
        self._retention = retention
        self._from_start = from_start

    def open(self, topic: str, name: str, *, temporary: bool) -> Place:
        """Return a channel, which is made when missing.

        One that stays is never made temporary; one that is temporary stays from now on
        if somebody opens it as such.
        """
        with self._file.transaction:
            number, last = self._topics.make(topic)
            if (found := self._file.read(_FIND, (number, name))) is None:
                return self._make(number, name, last, temporary)
            channel, expires = found
            if expires is not None and not temporary:
                self._stay(number, channel)
            return Place(number, channel, temporary and expires is not None)

    def _make(self, topic: int, name: str, last: int, temporary: bool) -> Place:
        # Ids are drawn, not counted: one who reads a channel that was deleted must
        # never meet another one under its id.
        channel = int.from_bytes(os.urandom(6)) + 1
        first = not temporary and not self._file.read(_ANY, (topic,))
        sees_all = self._from_start or first
        start = topic * SPAN if sees_all else last
        expires = time() + LIFE if temporary else None
        row = (channel, topic, name, start, last, start, start, expires)
        self._file.execute(_MAKE, row)
        return Place(topic, channel, temporary)

    def _stay(self, topic: int, channel: int) -> None:
        """Let a temporary channel stay; the first one gets what has waited for it."""
        if not self._file.read(_ANY, (topic,)):
            row = (channel, time(), topic * SPAN, channel)
            self._file.execute(_BEFORE, row)
            self._file.execute(_FROM_START, (channel,))
        self._file.execute(_FOR_GOOD, (channel,))

    def renew(self, channel: int) -> None:
        """Say that the reader of a temporary channel lives; in a transaction."""
        self._file.execute(_RENEW, (time() + LIFE, channel))

    def states(self, topic: str) -> list[ChannelState]:
        """Return how full each channel of a topic is, sorted by name."""
        if (found := self._topics.find(topic)) is None:
            return []
        number, last = found
        return [
            ChannelState(name, self._waiting(last, *row), self._leased(row[0]))
            for name, *row in self._file.rows(_ALL, (number, time()))
        ]

    def depth(self, topic: str, name: str) -> int:
        """Return how many messages nobody holds, delayed ones included.

        A channel that does not exist counts what it would be given.
        """
        if (found := self._topics.find(topic)) is None:
            return 0
        number, last = found
        for one, *row in self._file.rows(_ALL, (number, time())):
            if one == name:
                return self._waiting(last, *row)
        return 0 if self._file.read(_ANY, (number,)) else self._kept(number, last)

    def forget(self, topic: str, name: str) -> None:
        """Delete a channel with what only it wants, or a topic when `name` is empty."""
        if (found := self._topics.find(topic)) is None:
            return
        number, _ = found
        if not name:
            self._retention.drop_topic(number)
            return
        with self._file.transaction:
            if row := self._file.read(_FIND, (number, name)):
                channel, expires = row
                stays = expires is None
                self._retention.drop_channel(number, channel, for_good=stays)

    def leave(self, place: Place) -> None:
        """Delete the channel of a reader that is gone, unless somebody has taken it.

        In a transaction.
        """
        if self._file.read(_IS_TEMPORARY, (place.channel,)):
            self._retention.drop_channel(place.topic, place.channel, for_good=False)

    def sweep(self, transaction: Transaction) -> None:
        """Delete the temporary channels of readers that have died."""
        if not self._file.rows(_EXPIRED, (time(),)):
            return
        with transaction:
            for channel, topic in self._file.rows(_EXPIRED, (time(),)):
                self._retention.drop_channel(topic, channel, for_good=False)

    def _waiting(
        self, last: int, channel: int, cursor: int, urgent: int, born: int
    ) -> int:
        waiting: int = self._file.read(_RETURNED, (channel, time()))[0]
        counted = cursor
        # Numbers are missing below `born`, where others had settled before it was
        # made, and where what is urgent was taken before its turn.
        gaps_end = last if urgent > cursor else born
        if cursor < gaps_end:
            row = (cursor, gaps_end, urgent)
            waiting += self._file.read(_BETWEEN, row)[0]
            counted = gaps_end
        return waiting + max(0, last - counted)

    def _leased(self, channel: int) -> int:
        found: int = self._file.read(_LEASED, (channel, time()))[0]
        return found

    def _kept(self, topic: int, last: int) -> int:
        ends = (topic * SPAN, (topic + 1) * SPAN)
        oldest = self._file.read(_OLDEST, ends)[0]
        return 0 if oldest is None else last - oldest + 1
