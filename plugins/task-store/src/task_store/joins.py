"""Parents that have arrived, for tasks that wait for several of them."""

import re
from collections.abc import Callable, Iterable, Sequence

import attrs
from sqlalchemy import (
    ColumnElement,
    Double,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)

from task_store.database import Database
from task_store.join_rows import Arrived, Waiting, gathered, named, parent_of
from task_store.tables import JOIN

FORGOTTEN = 30 * 86400.0
"""Seconds after which a parent is forgotten whose join never got complete."""
_OPEN = JOIN.c.fired.is_(None)
_PLACE = (JOIN.c.workflow, JOIN.c.phase, JOIN.c.key)
_ARRIVED = (*_PLACE, JOIN.c.parent, JOIN.c.body, JOIN.c.fired)
_ROUND = re.compile(r"(.*) \(round \d+\)", re.DOTALL)
_APART = 1e-6
"""Seconds between parents that arrive at once: they keep their order."""


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

    def known(
        self,
        workflow: str,
        phase: str,
        parents: Iterable[tuple[str, str, str]],
        *,
        fired: bool = False,
    ) -> list[Arrived]:
        """Return who waits where some parents arrive, and whether those were there.

        Args:
            workflow, phase: What they arrive at.
            parents: Key, name, and which one it is, of each.
            fired: Whether to return all that fired at those keys, too.

        Returns:
            All that wait at those keys, and of these parents those that fired, too; the
            oldest first. Older versions did not write which one it is: of those that
            fired all of a name are there.
        """
        arriving = [*parents]
        keys = {key for key, _, _ in arriving}
        names = {named(it, which) for _, it, which in arriving}
        names |= {it for _, it, _ in arriving}
        at = (JOIN.c.workflow == workflow) & (JOIN.c.phase == phase)
        meant: ColumnElement[bool] = JOIN.c.key.in_(keys)
        if not fired:
            meant &= _OPEN | JOIN.c.parent.in_(names)
        look = select(*_ARRIVED).where(at & meant)
        look = look.order_by(JOIN.c.arrived, JOIN.c.parent)
        with self._database.reading() as connection:
            return [parent_of(row) for row in connection.execute(look)]

    def arrive_all(
        self,
        workflow: str,
        phase: str,
        parents: Sequence[tuple[str, str, str, bytes]],
        expires: float | None = None,
    ) -> None:
        """Note many parents at once, within a transaction that holds the `lock`.

        Args:
            workflow, phase: What they arrive at.
            parents: Key, name, which one it is, and bytes of each.
            expires: Until when all should be there.
        """
        new = self._database.insert(JOIN).values(
            workflow=workflow,
            phase=phase,
            arrived=self._database.now + bindparam("later", type_=Double),
            expires=expires,
        )
        rows = [
            {"key": key, "parent": named(it, which), "body": body, "later": n * _APART}
            for n, (key, it, which, body) in enumerate(parents)
        ]
        with self._database.writing() as connection:
            connection.execute(new.on_conflict_do_nothing(), rows)

    def fire_all(
        self, workflow: str, phase: str, parents: Iterable[tuple[str, str, str]]
    ) -> None:
        """Note that the tasks of joins are claimed, of which some parents are.

        Args:
            workflow, phase: What they arrived at.
            parents: Key, name, and which one it is, of each.
        """
        at = (JOIN.c.workflow == workflow) & (JOIN.c.phase == phase)
        at &= (JOIN.c.key == bindparam("k")) & (JOIN.c.parent == bindparam("p"))
        rows = [{"k": key, "p": named(it, which)} for key, it, which in parents]
        if rows:
            fired = update(JOIN).where(at & _OPEN).values(fired=self._database.now)
            with self._database.writing() as connection:
                connection.execute(fired, rows)

    def merge_rounds(self, which_of: Callable[[bytes], str]) -> int:
        """Put what older versions wrote as `KEY (round 2)` under its key.

        For a start, within a transaction.

        Args:
            which_of: Says of the bytes of a parent which one it is.

        Returns:
            How many parents are where they belong now.
        """
        look = select(*_ARRIVED).where(JOIN.c.key.like("% (round %)"))
        with self._database.writing() as connection:
            rows = [parent_of(row) for row in connection.execute(look)]
            old = [it for it in rows if not it.which and _ROUND.fullmatch(it.key)]
            for workflow, phase in sorted({(it.workflow, it.phase) for it in old}):
                self.lock(workflow, phase)
            return sum(self._merge(it, which_of(it.body)) for it in old)

    def _merge(self, old: Arrived, which: str) -> int:
        """Put one under its key, unless it is there as well."""
        match = _ROUND.fullmatch(old.key)
        key, name = match[1] if match else old.key, named(old.parent, which)
        there = _at(old.workflow, old.phase, key) & (JOIN.c.parent == name)
        mine = _at(old.workflow, old.phase, old.key) & (JOIN.c.parent == old.parent)
        with self._database.writing() as connection:
            if connection.execute(select(JOIN.c.key).where(there)).first():
                return 0
            moved = update(JOIN).where(mine).values(key=key, parent=name)
            return int(connection.execute(moved).rowcount)

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
            return gathered(connection.execute(look))

    def holding(self, text: bytes) -> list[Arrived]:
        """Return the parents whose bytes have a text in them, those that fired too.

        For people: it looks at each row.
        """
        look = select(*_ARRIVED).where(self._database.holds(JOIN.c.body, text))
        with self._database.reading() as connection:
            rows = connection.execute(look.order_by(JOIN.c.arrived)).all()
        return [parent_of(row) for row in rows]

    def overdue(self, limit: int = 100) -> list[Waiting]:
        """Return joins whose time is over, those first that came first.

        It costs what is overdue, however many others wait: see `expire`.

        Returns:
            Of each who has arrived, and since when and until when those of them waited
            whose time is over: others of its key may have some left.
        """
        over = JOIN.c.expires <= self._database.now
        some = select(*_PLACE).where(_OPEN & over)
        some = some.order_by(JOIN.c.expires).limit(limit)
        look = select(JOIN, over.label("over"))
        look = look.where(_OPEN, tuple_(*_PLACE).in_(some))
        look = look.order_by(JOIN.c.arrived, *_PLACE)
        with self._database.reading() as connection:
            rows = connection.execute(look).all()
        ended = [row for row in rows if row.over]
        last = sorted(ended, key=lambda row: row.expires)
        until = {(it.workflow, it.phase, it.key): it.expires for it in last}
        parents = {it.place: it.parents for it in gathered(rows)}
        return [
            attrs.evolve(it, parents=parents[it.place], expires=until[it.place])
            for it in gathered(ended)
        ]

    def expire(self, joins: Iterable[Waiting], at: float | None) -> None:
        """Let those be overdue at another time that are; never again when None.

        Args:
            joins: As `overdue` returns them.
            at: When.
        """
        rows = [dict(zip("wpke", (*it.place, it.expires), strict=True)) for it in joins]
        place = zip(_PLACE, "wpk", strict=True)
        wanted = [column == bindparam(name) for column, name in place]
        wanted.append(JOIN.c.expires <= bindparam("e", type_=Double))
        if rows:
            with self._database.writing() as connection:
                changed = update(JOIN).where(_OPEN, *wanted).values(expires=at)
                connection.execute(changed, rows)

    def drop_old(self, age: float) -> int:
        """Drop what fired longer ago, or waits in vain; return how many parents."""
        now, drop = self._database.now, self._database.drop
        forgotten = _OPEN & (JOIN.c.arrived < now - FORGOTTEN)
        return drop(JOIN, JOIN.c.fired < now - age) + drop(JOIN, forgotten)

    def drop(self, workflow: str, phase: str, key: str) -> None:
        """Forget a join, complete or not."""
        with self._database.writing() as connection:
            connection.execute(delete(JOIN).where(_at(workflow, phase, key)))


def _at(workflow: str, phase: str, key: str) -> ColumnElement[bool]:
    return (JOIN.c.workflow == workflow) & (JOIN.c.phase == phase) & (JOIN.c.key == key)
