"""One channel of a topic: claiming, giving back, and settling its messages.

All calls but `next_change` belong inside a transaction.
"""

import math
import os
from collections.abc import Callable, Sequence
from time import time
from typing import Any

import msgspec

from task_bus_sqlite.file import SqliteFile
from task_bus_sqlite.lease import Lease, Run
from task_bus_sqlite.schema import SPAN
from task_core.api.message import Delivery

_STATE = """
    SELECT cursor, (SELECT min(due) FROM held WHERE channel = channels.id)
    FROM channels WHERE id = ?
"""
_OVERDUE = """
    SELECT held.due, message, attempt, headers, body
    FROM held JOIN messages ON id = message
    WHERE channel = ? AND held.due <= ? ORDER BY held.due, message LIMIT ?
"""
_FRESH = """
    SELECT id, headers, body FROM messages
    WHERE id > ? AND id < ? AND due <= ? ORDER BY id LIMIT ?
"""
_LAST = "SELECT max(id) FROM messages WHERE id < ?"
# What may not be delivered yet is held for nobody.
_LEASE = """
    INSERT INTO held
    SELECT :channel, CASE WHEN due <= :now THEN :ends ELSE due END, id,
        CASE WHEN due <= :now THEN :owner ELSE 0 END, due <= :now
    FROM messages WHERE id > :cursor AND id <= :last
"""
_LEASE_AGAIN = """
    UPDATE held SET due = ?, owner = ?, attempt = attempt + 1
    WHERE channel = ? AND due = ? AND message = ?
"""
_ADVANCE = "UPDATE channels SET cursor = ? WHERE id = ?"
_FORGET = """
    DELETE FROM held
    WHERE channel = ? AND due = ? AND message BETWEEN ? AND ? AND owner = ?
"""
_EXTEND = """
    UPDATE held SET due = ?
    WHERE channel = ? AND due = ? AND message = ? AND owner = ?
"""
_RETURN = """
    UPDATE held SET due = ?, owner = 0, attempt = attempt + (1 << 32)
    WHERE channel = ? AND due = ? AND message = ? AND owner = ?
"""
_RETURN_ALL = """
    UPDATE held SET due = 0, owner = 0, attempt = attempt + (1 << 32)
    WHERE channel = ? AND owner = ?
"""

_decode = msgspec.json.Decoder(dict[str, str]).decode


class Channel:
    """Hands out the messages of one channel to one consumer.

    Args:
        file: Where it is.
        topic: The topic's id.
        id: Its own.
        lease: Seconds until an unsettled message comes again.
    """

    def __init__(self, file: SqliteFile, topic: int, id: int, lease: float) -> None:
        self.file = file
        self._id = id
        self._lease = lease
        self._owner = int.from_bytes(os.urandom(7)) + 1
        self._end = (topic + 1) * SPAN

    def next_change(self) -> float:
        """Return when there will be something to claim even if nobody sends.

        That is now, or when the first delay or lease ends; infinite if none does.
        """
        now = time()
        cursor, due = self.file.read(_STATE, (self._id,))
        if self._last() > cursor:
            return now
        return math.inf if due is None else max(now, due)

    def claim(self, limit: int) -> list[Delivery]:
        """Lease up to `limit` messages: first what came back, then what is new."""
        now = time()
        ends = now + self._lease
        cursor, due = self.file.execute(_STATE, (self._id,)).fetchone()
        found = []
        if due is not None and due <= now:
            found = self._claim_overdue(limit, now, ends)
        if len(found) < limit:
            found += self._claim_fresh(limit - len(found), cursor, now, ends)
        return found

    def _claim_overdue(self, limit: int, now: float, ends: float) -> list[Delivery]:
        """Lease what was given back, waited for its time, or outlived its lease."""
        rows = self.file.execute(_OVERDUE, (self._id, now, limit)).fetchall()
        self.file.executemany(
            _LEASE_AGAIN,
            [(ends, self._owner, self._id, due, number) for due, number, *_ in rows],
        )
        return [
            _delivery(number, ends, attempt + 1, headers, body)
            for _, number, attempt, headers, body in rows
        ]

    def _claim_fresh(
        self, limit: int, cursor: int, now: float, ends: float
    ) -> list[Delivery]:
        """Lease what was never handed out, and move the cursor behind it."""
        execute = self.file.execute
        rows = execute(_FRESH, (cursor, self._end, now, limit)).fetchall()
        last = rows[-1][0] if len(rows) == limit else max(cursor, self._last())
        if last > cursor:
            lease = {"channel": self._id, "owner": self._owner, "ends": ends}
            execute(_LEASE, {**lease, "now": now, "cursor": cursor, "last": last})
            execute(_ADVANCE, (last, self._id))
        return [
            _delivery(number, ends, 1, headers, body) for number, headers, body in rows
        ]

    def forget(self, runs: Sequence[Run]) -> bool:
        """End leases for good; False, and the transaction is void, if one is lost."""
        for due, first, last in runs:
            row = (self._id, due, first, last, self._owner)
            if self.file.execute(_FORGET, row).rowcount != last - first + 1:
                return False
        return True

    def holds(self, lease: Lease) -> bool:
        """Take a lease away and say whether it was ours (to be rolled back)."""
        return self.forget([(lease.due, lease.message, lease.message)])

    def extend(self, leases: Sequence[Lease]) -> Callable[[], None]:
        """Restart leases that are still ours; call the answer after the commit."""
        ends = time() + self._lease
        extended = [lease for lease in leases if self._act(_EXTEND, lease, ends)]

        def confirm() -> None:
            for lease in extended:
                lease.due = ends

        return confirm

    def give_back(self, leases: Sequence[Lease], delay: float) -> None:
        """Let messages come again after some seconds, unless others have them."""
        due = time() + delay if delay else 0.0
        for lease in leases:
            self._act(_RETURN, lease, due)

    def give_back_all(self) -> None:
        """Give back whatever this consumer holds."""
        self.file.execute(_RETURN_ALL, (self._id, self._owner))

    def _act(self, sql: str, lease: Lease, *values: Any) -> bool:
        row = (*values, self._id, lease.due, lease.message, self._owner)
        return self.file.execute(sql, row).rowcount > 0

    def _last(self) -> int:
        return self.file.read(_LAST, (self._end,))[0] or 0


def _delivery(
    number: int, ends: float, attempt: int, headers: bytes | None, body: bytes
) -> Delivery:
    names = _decode(headers) if headers else None
    returned, attempt = divmod(attempt, 1 << 32)
    return Delivery(body, Lease(number, ends), attempt, names, returned)
