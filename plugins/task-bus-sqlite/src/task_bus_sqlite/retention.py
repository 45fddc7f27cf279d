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
_SETTLED_BY_ALL = f"""
    NOT EXISTS (
        SELECT 1 FROM channels
        WHERE topic = messages.id / {SPAN} AND start < messages.id
        AND NOT EXISTS (
            SELECT 1 FROM settled
            WHERE message = messages.id AND channel = channels.id
        )
    )
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
_OLD = "SELECT since, message FROM kept WHERE since <= ? ORDER BY since LIMIT ?"
_DROP_KEPT = "DELETE FROM kept WHERE since = ? AND message = ?"


class Retention:
    """Decides when the settled messages of one channel go.

    Args:
        file: Where they are.
        topic, channel: Ids of what settles them.
        keep: Seconds that a message stays after all channels have settled it.
    """

    def __init__(self, file: SqliteFile, topic: int, channel: int, keep: float) -> None:
        self._file = file
        self._topic = topic
        self._channel = channel
        self._keep = keep
        self._shared = False  # whether there is another channel

    def retire(self, runs: Sequence[Run]) -> None:
        """The channel has settled these (inside a transaction)."""
        if not (self._keep or self._shared) and self._discard(runs):
            return
        numbers = [n for _, first, last in runs for n in range(first, last + 1)]
        notes = [(number, self._channel) for number in numbers]
        self._file.executemany(_NOTE, notes)
        if self._keep:
            now = time()
            self._file.executemany(_KEEP, [(now, number) for number in numbers])
        else:
            self._drop(numbers)

    def sweep(self, transaction: Transaction) -> None:
        """Delete what was kept for long enough, some in each transaction."""
        until = time() - self._keep
        while old := self._file.rows(_OLD, (until, SWEEP)):
            with transaction:
                self._file.executemany(_DROP_KEPT, old)
                # One that a new channel wants stays, and is kept again after that.
                self._drop([number for _, number in old])

    def _discard(self, runs: Sequence[Run]) -> bool:
        """Delete at once; False when there are other channels."""
        for _, first, last in runs:
            row = (first, last, self._topic, self._channel)
            if not self._file.execute(_DISCARD, row).rowcount:
                self._shared = True
                return False
        return True

    def _drop(self, numbers: Sequence[int]) -> None:
        """Delete those that all channels have settled, and what was noted of them."""
        rows = [(number,) for number in numbers]
        self._file.executemany(_DROP, rows)
        self._file.executemany(_DROP_NOTE, rows)
