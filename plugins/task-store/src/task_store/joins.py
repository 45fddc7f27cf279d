"""Parents that have arrived, for tasks that wait for several of them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import attrs
from sqlalchemy import (
    ColumnElement,
    Row,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)

from task_store.database import Database
from task_store.tables import JOIN

FORGOTTEN = 30 * 86400.0
"""Seconds after which a parent is forgotten whose join never got complete."""
_OPEN = JOIN.c.fired.is_(None)
_PLACE = (JOIN.c.workflow, JOIN.c.phase, JOIN.c.key)


@attrs.frozen
class Waiting:
    """A join that is not complete.

    Args:
        workflow, phase, key: Which it is.
        parents: Who has arrived.
        since: When the first of them did.
        expires: Until when all should be there; None for ever.
    """

    workflow: str
    phase: str
    key: str
    parents: tuple[str, ...]
    since: float
    expires: float | None


@attrs.frozen
class Arrived:
    """A parent at a join.

    Args:
        workflow, phase, key: Which join it is.
        parent, body: Who, and its bytes.
        fired: When the join was complete; None while it is not.
    """

    workflow: str
    phase: str
    key: str
    parent: str
    body: bytes
    fired: float | None


class Joins:
    """Who has arrived where.

    Args:
        database: Where it is written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def arrive(
        self,
        workflow: str,
        phase: str,
        key: str,
        parent: str,
        body: bytes = b"",
        expires: float | None = None,
    ) -> dict[str, bytes]:
        """Note a parent; one that comes again changes nothing.

        Args:
            workflow, phase, key: What it arrives at.
            parent: Its name.
            body: Its bytes, for whoever makes the task in the end.
            expires: Until when all should be there; the first one's word counts.

        Returns:
            The bytes of all parents that have arrived, by name.
        """
        new = self._database.insert(JOIN).values(
            workflow=workflow,
            phase=phase,
            key=key,
            parent=parent,
            body=body,
            arrived=self._database.now,
            expires=expires,
        )
        with self._database.writing() as connection:
            if self._database.server:
                # Two parents at the same moment must not miss each other.
                words = f"{workflow}\x1f{phase}\x1f{key}"
                lock = func.pg_advisory_xact_lock(func.hashtextextended(words, 0))
                connection.execute(select(lock))
            connection.execute(new.on_conflict_do_nothing())
            return self.arrived(workflow, phase, key)

    def arrived(self, workflow: str, phase: str, key: str) -> dict[str, bytes]:
        """Return the bytes of the parents that have arrived, by name."""
        look = select(JOIN.c.parent, JOIN.c.body).where(_at(workflow, phase, key))
        with self._database.reading() as connection:
            return {row.parent: bytes(row.body) for row in connection.execute(look)}

    def lock(self, workflow: str, phase: str) -> None:
        """Let no other instance see or write arrivals of a phase until the end.

        For a transaction that looks and writes many: whoever locks several phases, does
        so in the order of their names.
        """
        if self._database.server:
            words = f"{workflow}\x1f{phase}"
            lock = func.pg_advisory_xact_lock(func.hashtextextended(words, 0))
            with self._database.writing() as connection:
                connection.execute(select(lock))

    def arrived_at(
        self, workflow: str, phase: str, keys: Collection[str]
    ) -> dict[str, dict[str, bytes]]:
        """Return the bytes of the parents that have arrived, by key and name."""
        found: dict[str, dict[str, bytes]] = {key: {} for key in keys}
        look = select(JOIN.c.key, JOIN.c.parent, JOIN.c.body).where(
            JOIN.c.workflow == workflow, JOIN.c.phase == phase, JOIN.c.key.in_(keys)
        )
        with self._database.reading() as connection:
            for row in connection.execute(look):
                found[row.key][row.parent] = bytes(row.body)
        return found

    def arrive_all(
        self,
        workflow: str,
        phase: str,
        parents: Sequence[tuple[str, str, bytes]],
        expires: float | None = None,
    ) -> None:
        """Note many parents at once, within a transaction that holds the `lock`.

        Args:
            workflow, phase: What they arrive at.
            parents: Key, name and bytes of each.
            expires: Until when all should be there.
        """
        new = self._database.insert(JOIN).values(
            workflow=workflow,
            phase=phase,
            arrived=self._database.now,
            expires=expires,
        )
        rows = [{"key": k, "parent": parent, "body": it} for k, parent, it in parents]
        with self._database.writing() as connection:
            connection.execute(new.on_conflict_do_nothing(), rows)

    def fire_all(self, workflow: str, phase: str, keys: Collection[str]) -> None:
        """Note that the tasks of many joins of a phase are claimed."""
        at = (JOIN.c.workflow == workflow) & (JOIN.c.phase == phase)
        fired = update(JOIN).where(at & JOIN.c.key.in_(keys) & _OPEN)
        with self._database.writing() as connection:
            connection.execute(fired.values(fired=self._database.now))

    def fire(self, workflow: str, phase: str, key: str) -> None:
        """Note that the task of a join is claimed: nobody waits for it any more."""
        at = _at(workflow, phase, key) & _OPEN
        with self._database.writing() as connection:
            connection.execute(update(JOIN).where(at).values(fired=self._database.now))

    def waiting(self, workflow: str | None = None) -> list[Waiting]:
        """Return the joins that are not complete, the oldest first."""
        look = select(JOIN).where(_OPEN).order_by(JOIN.c.arrived)
        if workflow is not None:
            look = look.where(JOIN.c.workflow == workflow)
        with self._database.reading() as connection:
            return _gathered(connection.execute(look))

    def holding(self, text: bytes) -> list[Arrived]:
        """Return the parents whose bytes have a text in them, those that fired too.

        For people: it looks at each row.
        """
        columns = (*_PLACE, JOIN.c.parent, JOIN.c.body, JOIN.c.fired)
        look = select(*columns).where(self._database.holds(JOIN.c.body, text))
        with self._database.reading() as connection:
            rows = connection.execute(look.order_by(JOIN.c.arrived)).all()
        return [
            Arrived(it.workflow, it.phase, it.key, it.parent, bytes(it.body), it.fired)
            for it in rows
        ]

    def overdue(self, limit: int = 100) -> list[Waiting]:
        """Return joins whose time is over, those first that came first.

        It costs what is overdue, however many others wait: see `expire`.
        """
        ended = _OPEN & (JOIN.c.expires <= self._database.now)
        some = select(*_PLACE).where(ended).order_by(JOIN.c.expires).limit(limit)
        look = select(JOIN).where(_OPEN, tuple_(*_PLACE).in_(some))
        with self._database.reading() as connection:
            return _gathered(connection.execute(look.order_by(JOIN.c.arrived, *_PLACE)))

    def expire(self, joins: Iterable[Waiting], at: float | None) -> None:
        """Let joins be overdue at another time; never again when None."""
        rows = [{"w": it.workflow, "p": it.phase, "k": it.key} for it in joins]
        place = zip(_PLACE, "wpk", strict=True)
        wanted = [column == bindparam(name) for column, name in place]
        if rows:
            with self._database.writing() as connection:
                changed = update(JOIN).where(_OPEN, *wanted).values(expires=at)
                connection.execute(changed, rows)

    def drop_old(self, age: float) -> int:
        """Drop what fired longer ago, or waits in vain; return how many parents."""
        now = self._database.now
        forgotten = _OPEN & (JOIN.c.arrived < now - FORGOTTEN)
        old = (JOIN.c.fired < now - age) | forgotten
        with self._database.writing() as connection:
            return connection.execute(delete(JOIN).where(old)).rowcount

    def drop(self, workflow: str, phase: str, key: str) -> None:
        """Forget a join, complete or not."""
        with self._database.writing() as connection:
            connection.execute(delete(JOIN).where(_at(workflow, phase, key)))


def _gathered(rows: "Iterable[Row[Any]]") -> list[Waiting]:
    """Return the joins that rows belong to; the first of each comes first."""
    found: dict[tuple[str, str, str], Waiting] = {}
    for row in rows:
        place = (row.workflow, row.phase, row.key)
        first = found.setdefault(place, Waiting(*place, (), row.arrived, row.expires))
        found[place] = attrs.evolve(first, parents=(*first.parents, row.parent))
    return list(found.values())


def _at(workflow: str, phase: str, key: str) -> ColumnElement[bool]:
    return (JOIN.c.workflow == workflow) & (JOIN.c.phase == phase) & (JOIN.c.key == key)
