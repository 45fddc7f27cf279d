"""What becomes of settled messages: deleted at once, or when nobody wants them more."""

from collections.abc import Sequence
from time import time

from task_bus_sqlite.file import SqliteFile, Transaction
from task_bus_sqlite.lease import Run
from task_bus_sqlite.schema import SPAN

SWEEP = 1000
"""Messages that one transaction deletes at most, so that others get their turn."""

# The usual case, one channel: nobody else can want it.
_DISCARD = """
    DELETE FROM messages WHERE id BETWEEN ? AND ?
    AND NOT EXISTS (SELECT 1 FROM channels WHERE topic = ? AND id <> ?)
"""
_UNWANTED = f"""
    NOT EXISTS (
        SELECT 1 FROM channels
        WHERE topic = messages.id / {SPAN} AND start < messages.id
        AND NOT EXISTS (
            SELECT 1 FROM settled
            WHERE message = messages.id AND channel = channels.id
        )
    )
"""
# Those who only look take nothing from the first channel that is to come.
_SETTLED_BY_ALL = f"""
    EXISTS (
        SELECT 1 FROM channels
        WHERE topic = messages.id / {SPAN} AND expires IS NULL
    ) AND {_UNWANTED}
"""
_NOTE = "INSERT OR IGNORE INTO settled (message, channel) VALUES (?, ?)"
_DROP = f"DELETE FROM messages WHERE id = ? AND {_SETTLED_BY_ALL}"
_DROP_NOTE = """
    DELETE FROM settled WHERE message = ?
    AND NOT EXISTS (SELECT 1 FROM messages WHERE id = message)
"""
_KEEP = f"""
    INSERT OR IGNORE INTO kept
    SELECT ?, id FROM messages WHERE id = ? AND {_SETTLED_BY_ALL}
"""
# `since` is when that is over: each user of the file has a `keep` of his own.
_OLD = "SELECT since, message FROM kept WHERE since <= ? ORDER BY since LIMIT ?"
_DROP_KEPT = "DELETE FROM kept WHERE since = ? AND message = ?"

_RANGE = f"> :topic * {SPAN} AND {{0}} < (:topic + 1) * {SPAN}"
_IDS, _NOTES = (f"{name} {_RANGE.format(name)}" for name in ("id", "message"))
_START = "SELECT start FROM channels WHERE id = ?"
# What a channel never wanted cannot become unwanted by its going; what is kept can.
_SEEN = f"> :start AND {{0}} < (:topic + 1) * {SPAN}"
_SEEN_IDS, _SEEN_NOTES = (f"{name} {_SEEN.format(name)}" for name in ("id", "message"))
_DROP_CHANNEL = (
    "DELETE FROM held WHERE channel = :channel",
    "DELETE FROM channels WHERE id = :channel",
    f"DELETE FROM settled WHERE channel = :channel AND {_SEEN_NOTES}",
)
# Kept ones stay, but for the first channel that is to come: it would do them again.
_NOT_KEPT = """
    (id NOT IN (SELECT message FROM kept) OR NOT EXISTS (
        SELECT 1 FROM channels WHERE topic = :topic AND expires IS NULL
    ))
"""
_RELEASE = f"""
    INSERT INTO kept SELECT :over, id FROM messages
    WHERE {_SEEN_IDS} AND {{0}} AND {_NOT_KEPT}
"""
_DELETE = f"DELETE FROM messages WHERE {_SEEN_IDS} AND {{0}} AND {_NOT_KEPT}"
_DROP_NOTES = f"""
    DELETE FROM settled WHERE {_SEEN_NOTES}
    AND NOT EXISTS (SELECT 1 FROM messages WHERE id = message)
"""
_DROP_EMPTY_TOPIC = f"""
    DELETE FROM topics WHERE id = :topic
    AND NOT EXISTS (SELECT 1 FROM channels WHERE topic = :topic)
    AND NOT EXISTS (SELECT 1 FROM messages WHERE {_IDS})
"""
_SOME = f"SELECT id FROM messages WHERE {_IDS} ORDER BY id LIMIT {SWEEP}"
_DROP_HELD = """
    DELETE FROM held
    WHERE channel IN (SELECT id FROM channels WHERE topic = :topic)
"""
_LAST = f"(SELECT max(id) FROM ({_SOME}))"
# It may be cut off: nobody would ever get, or delete, what is held of a message that is
# gone; and those that wait are counted one by one where some are missing.
_DROP_SOME = (
    f"{_DROP_HELD} AND message <= {_LAST}",
    f"UPDATE channels SET born = max(born, {_LAST}) WHERE topic = :topic AND {_LAST}",
    f"DELETE FROM messages WHERE id IN ({_SOME})",
)
_DROP_TOPIC = (
    f"DELETE FROM messages WHERE {_IDS}",
    f"DELETE FROM settled WHERE {_NOTES}",
    f"DELETE FROM kept WHERE {_NOTES}",
    _DROP_HELD,
    "DELETE FROM channels WHERE topic = :topic",
    "DELETE FROM topics WHERE id = :topic",
)


class Retention:
    """Decides when settled messages go.

    Args:
        file: Where they are.
        keep: Seconds that a message stays after all channels have settled it, the last
            of them here.
    """

    def __init__(self, file: SqliteFile, keep: float) -> None:
        self._file = file
        self._keep = keep

    def retire(
        self, topic: int, channel: int, runs: Sequence[Run], *, alone: bool
    ) -> bool:
        """A channel has settled these (inside a transaction).

        Args:
            topic, channel: Ids of what settles.
            runs: The messages.
            alone: Whether this may be the only channel of the topic.

        Returns:
            Whether it is.
        """
        if alone and not self._keep:
            alone = self._discard(topic, channel, runs)
            if alone:
                return True
        numbers = [n for _, first, last in runs for n in range(first, last + 1)]
        self._file.executemany(_NOTE, [(number, channel) for number in numbers])
        if self._keep:
            over = time() + self._keep
            self._file.executemany(_KEEP, [(over, number) for number in numbers])
        else:
            self._drop(numbers)
        return alone

    def sweep(self, transaction: Transaction) -> None:
        """Delete what was kept for long enough, some in each transaction."""
        now = time()
        while old := self._file.rows(_OLD, (now, SWEEP)):
            with transaction:
                self._file.executemany(_DROP_KEPT, old)
                # One that a new channel wants stays, and is kept again after that.
                self._drop([number for _, number in old])

    def drop_channel(self, topic: int, channel: int, *, for_good: bool) -> None:
        """Delete a channel (inside a transaction).

        Args:
            topic, channel: Ids.
            for_good: With what waits on it. Otherwise messages that no channel but
                this one has seen wait for the first one that comes.
        """
        row = {"topic": topic, "channel": channel, "over": time() + self._keep}
        start = self._file.read(_START, (channel,))[0]
        row["start"] = topic * SPAN if for_good else start
        for statement in _DROP_CHANNEL:
            self._file.execute(statement, row)
        unwanted = _UNWANTED if for_good else _SETTLED_BY_ALL
        release = _DELETE if for_good or not self._keep else _RELEASE
        self._file.execute(release.format(unwanted), row)
        self._file.execute(_DROP_NOTES, row)
        if not for_good:  # a topic that was only looked for
            self._file.execute(_DROP_EMPTY_TOPIC, row)

    def drop_topic(self, topic: int) -> None:
        """Delete a topic with its channels and messages; in several transactions.

        What is left when it is cut off can be received as before.
        """
        row = {"topic": topic}
        count = SWEEP
        while count == SWEEP:
            with self._file.transaction:
                for statement in _DROP_SOME:
                    count = self._file.execute(statement, row).rowcount
        with self._file.transaction:
            for statement in _DROP_TOPIC:
                self._file.execute(statement, row)

    def _discard(self, topic: int, channel: int, runs: Sequence[Run]) -> bool:
        """Delete at once; False when there are other channels."""
        for _, first, last in runs:
            row = (first, last, topic, channel)
            if not self._file.execute(_DISCARD, row).rowcount:
                return False
        return True

    def _drop(self, numbers: Sequence[int]) -> None:
        """Delete those that all channels have settled, and what was noted of them."""
        rows = [(number,) for number in numbers]
        self._file.executemany(_DROP, rows)
        self._file.executemany(_DROP_NOTE, rows)
