"""The outbox: what is claimed, who sends it, and what is sent."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    bindparam,
    case,
    delete,
    func,
    select,
    update,
)

from task_store.claim import Backlog, Claim, Held
from task_store.database import Database
from task_store.tables import OUTBOX

AT_ONCE = 500
"""Keys in one statement."""
_CLAIM = (OUTBOX.c.key, OUTBOX.c.topic, OUTBOX.c.body, OUTBOX.c.due)


class Claims:
    """Claims by key: who writes one first, sends its task.

    Args:
        database: Where they are.
        lease: Seconds in which the owner of a claim sends it and marks it as sent;
            after that anybody may take it over.
    """

    def __init__(self, database: Database, lease: float) -> None:
        self._database = database
        self.lease = lease
        # Made once: making them costs more than all that the database does.
        self._insert = _insert(database)
        waiting = (OUTBOX.c.key == bindparam("it")) & OUTBOX.c.sent.is_(None)
        self._mark = update(OUTBOX).where(waiting).values(sent=database.now)

    def claim(self, claims: Sequence[Claim]) -> list[bool]:
        """Write claims under keys that are not there yet.

        Returns:
            For each whether it is ours: then send it, and tell `sent`. What has a time
            from when on it is due is left to `take_over`.
        """
        return self._write(claims, self.lease)

    def queue(self, claims: Sequence[Claim]) -> list[bool]:
        """Write claims that whoever takes over next is to send.

        For the body of a `deliveries` loop: what is committed here outlives it.

        Returns:
            For each whether its key was new.
        """
        return self._write(claims, 0.0)

    def sent(self, keys: Iterable[str]) -> None:
        """Mark claims as sent; may be repeated.

        With the power, marks of the last moments may go: then the same is sent again.
        """
        for some in _parts([*keys], AT_ONCE):
            with self._database.writing(hasty=True) as connection:
                connection.execute(self._mark, [{"it": key} for key in some])

    def release(self, keys: Iterable[str]) -> None:
        """Give back claims of ours that are not sent: others may have them now."""
        for mine in self._ours(keys):
            changed = update(OUTBOX).where(mine).values(ready=OUTBOX.c.due)
            with self._database.writing() as connection:
                connection.execute(changed)

    def withdraw(self, keys: Iterable[str]) -> None:
        """Drop claims of ours that are not sent: nobody is to send them."""
        for mine in self._ours(keys):
            with self._database.writing() as connection:
                connection.execute(delete(OUTBOX).where(mine))

    def postpone(self, keys: Iterable[str], seconds: float) -> None:
        """Let nobody take claims over for so long: they cannot be sent."""
        later = self._database.now + seconds
        for some in _parts([*keys], AT_ONCE):
            waiting = OUTBOX.c.key.in_(some) & OUTBOX.c.sent.is_(None)
            with self._database.writing() as connection:
                connection.execute(update(OUTBOX).where(waiting).values(ready=later))

    def take_over(self, limit: int = 100) -> list[Claim]:
        """Lease to us what is due and in nobody's hands; in the order of their times.

        A look that finds nothing takes no lock.
        """
        database = self._database
        free = OUTBOX.c.sent.is_(None) & (OUTBOX.c.ready <= database.now)
        anything = select(OUTBOX.c.key).where(free).limit(1)
        with database.reading() as connection:
            if connection.execute(anything).first() is None:
                return []
        first = select(OUTBOX.c.key).where(free).order_by(OUTBOX.c.ready).limit(limit)
        if database.server:
            first = first.with_for_update(skip_locked=True)
        taken = (
            update(OUTBOX)
            .where(OUTBOX.c.key.in_(first))
            .values(owner=database.owner, ready=database.now + self.lease)
            .returning(*_CLAIM, OUTBOX.c.claimed)
        )
        with database.writing() as connection:
            rows = connection.execute(taken).all()
        rows = sorted(rows, key=lambda row: (row.due, row.claimed, row.key))
        return [_claim(row) for row in rows]

    def find(self, keys: Iterable[str]) -> dict[str, Held]:
        """Return what is known of keys; those that are not there are left out."""
        found = {}
        for some in _parts([*keys], AT_ONCE):
            look = select(*_CLAIM, OUTBOX.c.sent).where(OUTBOX.c.key.in_(some))
            with self._database.reading() as connection:
                rows = connection.execute(look).all()
            found.update({row.key: Held(_claim(row), row.sent) for row in rows})
        return found

    def holding(self, text: bytes) -> list[Held]:
        """Return all whose bytes have a text in them, sent or not; the oldest first.

        For people: it looks at each row.
        """
        database = self._database
        look = select(*_CLAIM, OUTBOX.c.sent).where(database.holds(OUTBOX.c.body, text))
        with database.reading() as connection:
            rows = connection.execute(look.order_by(OUTBOX.c.claimed)).all()
        return [Held(_claim(row), row.sent) for row in rows]

    def waiting(self, topic: str) -> list[Claim]:
        """Return what is not sent to a topic, in the order of their times."""
        at = OUTBOX.c.sent.is_(None) & (OUTBOX.c.topic == topic)
        look = select(*_CLAIM).where(at).order_by(OUTBOX.c.due, OUTBOX.c.key)
        with self._database.reading() as connection:
            return [_claim(row) for row in connection.execute(look)]

    def pending(self) -> int:
        """Return how many are not sent, those that are not due yet among them."""
        look = select(func.count()).where(OUTBOX.c.sent.is_(None))
        with self._database.reading() as connection:
            return int(connection.execute(look).scalar_one())

    def backlog(self) -> Backlog:
        """Return how many are not sent, and how many of those are due."""
        is_due = OUTBOX.c.due <= self._database.now
        look = select(func.count(), func.count(case((is_due, 1)))).where(
            OUTBOX.c.sent.is_(None)
        )
        with self._database.reading() as connection:
            return Backlog(*connection.execute(look).one())

    def next_in(self) -> float | None:
        """Return in how many seconds there is something to take over, or None."""
        left = func.min(OUTBOX.c.ready) - self._database.now
        look = select(left).where(OUTBOX.c.sent.is_(None))
        with self._database.reading() as connection:
            seconds: float | None = connection.execute(look).scalar_one()
        return seconds

    def drop_old(self, age: float) -> int:
        """Drop what was sent longer ago; return how much.

        What caused it must not come again after that: it would be sent anew.
        """
        old = OUTBOX.c.sent < self._database.now - age
        return self._database.drop(OUTBOX, old)

    def _ours(self, keys: Iterable[str]) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions of those among keys that are ours and not sent."""
        for some in _parts([*keys], AT_ONCE):
            waiting = OUTBOX.c.key.in_(some) & OUTBOX.c.sent.is_(None)
            yield waiting & (OUTBOX.c.owner == self._database.owner)

    def _write(self, claims: Sequence[Claim], lease: float) -> list[bool]:
        if not claims:
            return []
        # In one order: of two that come from both ends none could go on.
        in_order = sorted(claims, key=lambda it: it.key)
        owner = self._database.owner if lease else ""
        rows = [_row(claim, owner, lease) for claim in in_order]
        with self._database.writing() as connection:
            ours = set(connection.execute(self._insert, rows).scalars())
        return [_first(claim.key, ours) for claim in claims]


def _insert(database: Database) -> Any:
    """Return what writes claims whose keys are new, and tells which those are."""
    when, lease = bindparam("when", type_=Double), bindparam("lease", type_=Double)
    return (
        database.insert(OUTBOX)
        .values(
            ready=func.coalesce(func.nullif(when, 0.0), database.now + lease),
            claimed=database.now,
        )
        .on_conflict_do_nothing()
        .returning(OUTBOX.c.key)
    )


def _row(claim: Claim, owner: str, lease: float) -> dict[str, Any]:
    return {
        "key": claim.key,
        "topic": claim.topic,
        "body": claim.body,
        "due": claim.due,
        "when": claim.due,
        "owner": owner,
        "lease": lease,
    }


def _claim(row: Any) -> Claim:
    return Claim(row.key, row.topic, bytes(row.body), row.due)


def _first(key: str, ours: set[str]) -> bool:
    """Whether a key is ours; only once, if it was given twice."""
    found = key in ours
    ours.discard(key)
    return found


def _parts(keys: list[str], size: int) -> Iterator[list[str]]:
    """Return keys by parts, in one order, as for claims."""
    keys = sorted(set(keys))
    return (keys[start : start + size] for start in range(0, len(keys), size))
