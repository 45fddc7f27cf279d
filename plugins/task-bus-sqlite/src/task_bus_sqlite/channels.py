"""The channels of a database: making them, and how much waits on each."""

from time import time

from task_bus_sqlite.file import SqliteFile
from task_bus_sqlite.schema import SPAN
from task_bus_sqlite.topics import Topics

_FIND = "SELECT id, cursor, born FROM channels WHERE topic = ? AND name = ?"
_MAKE = "INSERT INTO channels (topic, name, start, born, cursor) VALUES (?, ?, ?, ?, ?)"
_ANY = "SELECT 1 FROM channels WHERE topic = ?"
_RETURNED = "SELECT count(*) FROM held WHERE channel = ? AND (owner = 0 OR due <= ?)"
_BETWEEN = "SELECT count(*) FROM messages WHERE id > ? AND id <= ?"


def open_channel(
    file: SqliteFile, topics: Topics, topic: int, name: str, from_start: bool
) -> int:
    """Return the id of a channel, which is made when missing.

    Args:
        file: Where.
        topics: Knows the last message.
        topic: The topic's id.
        name: The channel's name.
        from_start: A new channel is to see all that is kept. The first channel of a
            topic always does: what was sent before there was any has waited for it.
    """
    if found := file.read(_FIND, (topic, name)):
        return int(found[0])
    with file.transaction:
        if found := file.read(_FIND, (topic, name)):  # another was quicker
            return int(found[0])
        born = topics.last_of(topic)
        sees_all = from_start or not file.read(_ANY, (topic,))
        start = topic * SPAN if sees_all else born
        return file.execute(_MAKE, (topic, name, start, born, start)).lastrowid or 0


def depth_of(file: SqliteFile, topics: Topics, topic: int, name: str) -> int:
    """Return how many messages nobody holds, delayed ones included.

    A channel that does not exist counts what it would be given.
    """
    last = topics.last_of(topic)
    found = file.read(_FIND, (topic, name))
    if found is None:
        return 0 if file.read(_ANY, (topic,)) else last - topic * SPAN
    channel, cursor, born = found
    waiting: int = file.read(_RETURNED, (channel, time()))[0]
    if cursor < born:  # what others had settled before it was made leaves gaps there
        waiting += file.read(_BETWEEN, (cursor, born))[0]
    return waiting + max(0, int(last - max(cursor, born)))
