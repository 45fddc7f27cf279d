"""One channel of a topic: claiming, giving back, and settling its messages.

All calls but `next_change` belong inside a transaction.
"""

import math
import os
from collections.abc import Callable, Sequence
from time import time
from typing import Any

import msgspec

from task_bus_sqlite.channels import Place
from task_bus_sqlite.file import SqliteFile
from task_bus_sqlite.lease import Lease, Run
from task_bus_sqlite.schema import LOWEST, PLACE, SPAN
from task_core.api import Delivery

# Forced: without it, "the last one with a priority" is looked for among all messages.
_URGENT = "FROM messages INDEXED BY urgent WHERE priority <> 0"
_STATE = f"""
    SELECT cursor, urgent, (SELECT min(due) FROM held WHERE channel = channels.id),
        (SELECT max(id) {_URGENT} AND id > channels.urgent AND id < ?)
    FROM channels WHERE id = ?
"""
_OVERDUE = """
    SELECT held.due, message, attempt, returned, headers, body
    FROM held JOIN messages ON id = message
    WHERE channel = ? AND held.due > ? AND held.due <= ?
    ORDER BY held.due, message LIMIT ?
"""
_FRESH = """
    SELECT id, headers, body FROM messages
    WHERE id > ? AND id < ? AND due <= ? AND priority = 0 ORDER BY id LIMIT ?
"""
_LAST = "SELECT max(id) FROM messages WHERE id < ?"
_LEASE = """
    INSERT INTO held SELECT ?, ?, id, ?, 1, 0
    FROM messages WHERE id > ? AND id <= ? AND due <= ? AND priority = 0
"""
# What may not be delivered yet is held for nobody.
_PUT_OFF = """
    INSERT INTO held SELECT ?, due, id, 0, 0, 0
    FROM messages WHERE id > ? AND id <= ? AND due > ? AND priority = 0
"""
_LINE_UP = f"""
    INSERT INTO held
    SELECT :channel, CASE WHEN due <= :now THEN {PLACE} ELSE due END, id, 0, 0, 0
    {_URGENT} AND id > :urgent AND id <= :last
"""
_LINED_UP = "UPDATE channels SET urgent = ? WHERE id = ?"
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
_FORMER = f"(SELECT {PLACE} FROM messages WHERE id = message)"
_RETURN = f"""
    UPDATE held SET due = coalesce(?, {_FORMER}, 0), owner = 0, returned = returned + 1
    WHERE channel = ? AND due = ? AND message = ? AND owner = ?
"""
_RETURN_ALL = f"""
    UPDATE held SET due = coalesce({_FORMER}, 0), owner = 0, returned = returned + 1
    WHERE channel = ? AND owner = ?
"""

_decode = msgspec.json.Decoder(dict[str, str]).decode


class ChannelGoneError(Exception):
    """Somebody has deleted the channel."""


class Channel:
    """Hands out the messages of one channel to one consumer.

    Args:
        file: Where it is.
        place: Where in there.
        lease: Seconds until an unsettled message comes again.
    """

    def __init__(self, file: SqliteFile, place: Place, lease: float) -> None:
        self.file = file
        self.place = place
        self._id = place.channel
        self._lease = lease
        self._owner = int.from_bytes(os.urandom(7)) + 1
        self._end = (place.topic + 1) * SPAN

    def next_change(self) -> float:
        """Return when there will be something to claim even if nobody sends.

        That is now, or when the first delay or lease ends; infinite if none does.

        Raises:
            ChannelGoneError: There is no such channel any more.
        """
        now = time()
        cursor, _, due, _ = self._state()
        if self._last() > cursor:
            return now
        return math.inf if due is None else max(now, due)

    def claim(self, limit: int) -> list[Delivery]:
        """Lease up to `limit` messages: first what came back, then what is new.

        What has a priority comes before all others; or last, if it is below 0.

        Raises:
            ChannelGoneError: There is no such channel any more.
        """
        now = time()
        ends = now + self._lease
        cursor, urgent, due, newest = self._state()
        if newest is not None:
            self._line_up(urgent, newest, now)
            urgent, due = newest, 0.0
        found: list[Delivery] = []
        overdue = due is not None and due <= now
        if overdue:
            found = self._claim_overdue(limit, -math.inf, 0.0, ends)
            found += self._claim_overdue(limit - len(found), LOWEST, now, ends)
        if len(found) < limit:
            found += self._claim_fresh(limit - len(found), cursor, urgent, now, ends)
        if overdue:
            found += self._claim_overdue(limit - len(found), 0.0, LOWEST, ends)
        return found

    def _state(self) -> tuple[int, int, float | None, int | None]:
        """Return the cursors, the first due moment, the last with a priority."""
        row = self.file.read(_STATE, (self._end, self._id))
        if row is None:
            raise ChannelGoneError
        state: tuple[int, int, float | None, int | None] = row
        return state

    def _line_up(self, urgent: int, newest: int, now: float) -> None:
        """Put what has a priority where it is found before all others."""
        row = {"channel": self._id, "now": now, "urgent": urgent, "last": newest}
        self.file.execute(_LINE_UP, row)
        self.file.execute(_LINED_UP, (newest, self._id))

    def _claim_overdue(
        self, limit: int, after: float, until: float, ends: float
    ) -> list[Delivery]:
        """Lease what was given back, waited for its time, or outlived its lease."""
        row = (self._id, after, until, limit)
        rows = self.file.execute(_OVERDUE, row).fetchall() if limit else ()
        self.file.executemany(
            _LEASE_AGAIN,
            [(ends, self._owner, self._id, due, number) for due, number, *_ in rows],
        )
        return [
            self._delivery(number, ends, headers, body, attempt + 1, returned)
            for _, number, attempt, returned, headers, body in rows
        ]

    def _claim_fresh(
        self, limit: int, cursor: int, urgent: int, now: float, ends: float
    ) -> list[Delivery]:
        """Lease what was never handed out, and move the cursor behind it."""
        execute = self.file.execute
        rows = execute(_FRESH, (cursor, self._end, now, limit)).fetchall()
        full = len(rows) == limit
        last = rows[-1][0] if full else max(cursor, urgent, self._last())
        if last > cursor:
            # What was just read, in one statement: this is most of a large claim.
            execute(_LEASE, (self._id, ends, self._owner, cursor, last, now))
            if last - cursor > len(rows):  # others lie between
                execute(_PUT_OFF, (self._id, cursor, last, now))
            execute(_ADVANCE, (last, self._id))
        return [
            self._delivery(number, ends, headers, body)
            for number, headers, body in rows
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
        due = time() + delay if delay else None
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
        self,
        number: int,
        ends: float,
        headers: bytes | None,
        body: bytes,
        attempt: int = 1,
        returned: int = 0,
    ) -> Delivery:
        names = _decode(headers) if headers else None
        lease = Lease(number, ends, self.file.generation)
        return Delivery(body, lease, attempt, names, returned, position=number % SPAN)
