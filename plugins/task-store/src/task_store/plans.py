"""Backloads: what was asked for, each task of it, and how far it is."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import attrs
from sqlalchemy import Row, func, select, update

from task_store.database import Database
from task_store.tables import PLAN, PLAN_ITEM


class State(StrEnum):
    """How far a plan or an item is; a plan may use words of its own."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"


_AT_WORK = (State.RUNNING, State.PAUSED)


@attrs.frozen
class Plan:
    """A plan.

    Args:
        plan: Its id.
        parameters: What was asked for, as text (JSON).
        who: Who asked.
        state: How far it is.
        made, changed: When.
    """

    plan: str
    parameters: str
    who: str
    state: str
    made: float
    changed: float


@attrs.frozen
class Item:
    """One task of a plan.

    Args:
        n: Its place, from 0.
        key: What a done task is recognised by; also of its claim.
        topic, body: What is sent.
        state: How far it is.
        note: Why it failed.
        changed: When that was written.
    """

    n: int
    key: str
    topic: str
    body: bytes
    state: str = State.PLANNED
    note: str = ""
    changed: float = 0.0


class Plans:
    """All plans.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(
        self, plan: str, parameters: str, items: Sequence[Item], who: str = ""
    ) -> bool:
        """Write a plan with all its items; return False when its id is there."""
        now = self._database.now
        new = self._database.insert(PLAN).values(
            plan=plan,
            parameters=parameters,
            who=who,
            state=State.PLANNED.value,
            made=now,
            changed=now,
        )
        rows = [{**_columns(item), "plan": plan} for item in items]
        with self._database.writing() as connection:
            new = new.on_conflict_do_nothing().returning(PLAN.c.plan)
            if connection.execute(new).first() is None:
                return False
            if rows:
                each = self._database.insert(PLAN_ITEM).values(changed=now)
                connection.execute(each, rows)
        return True

    def get(self, plan: str) -> Plan | None:
        """Return a plan, or None when there is none of that id."""
        with self._database.reading() as connection:
            row = connection.execute(select(PLAN).where(PLAN.c.plan == plan)).first()
        return Plan(*row) if row else None

    def all(self, state: str | None = None) -> list[Plan]:
        """Return all plans, or those of a state; the newest first."""
        look = select(PLAN).order_by(PLAN.c.made.desc(), PLAN.c.plan)
        if state is not None:
            look = look.where(PLAN.c.state == state)
        with self._database.reading() as connection:
            return [Plan(*row) for row in connection.execute(look)]

    def change(self, plan: str, state: str, before: Iterable[str] = ()) -> bool:
        """Put a plan into a state.

        Args:
            plan: Its id.
            state: The new one.
            before: From which it may come; from any when empty.

        Returns:
            Whether it was in one of those.
        """
        at = PLAN.c.plan == plan
        if allowed := [*before]:
            at &= PLAN.c.state.in_(allowed)
        new = update(PLAN).where(at).values(state=state, changed=self._database.now)
        with self._database.writing() as connection:
            return bool(connection.execute(new).rowcount)

    def items(
        self,
        plan: str,
        state: str | None = None,
        *,
        limit: int | None = None,
        after: int = -1,
    ) -> list[Item]:
        """Return items of a plan, in their order.

        Args:
            plan: Its id.
            state: Only those in it.
            limit: At most so many.
            after: Only those behind this place.
        """
        look = select(PLAN_ITEM).where(PLAN_ITEM.c.plan == plan, PLAN_ITEM.c.n > after)
        if state is not None:
            look = look.where(PLAN_ITEM.c.state == state)
        look = look.order_by(PLAN_ITEM.c.n).limit(limit)
        with self._database.reading() as connection:
            return [_item(row) for row in connection.execute(look)]

    def holding(self, text: bytes) -> list[Item]:
        """Return the items of all plans whose bytes have a text in them.

        For people: it looks at each row.
        """
        held = self._database.holds(PLAN_ITEM.c.body, text)
        look = select(PLAN_ITEM).where(held).order_by(PLAN_ITEM.c.changed)
        with self._database.reading() as connection:
            return [_item(row) for row in connection.execute(look)]

    def mark(self, plan: str, places: Iterable[int], state: str, note: str = "") -> int:
        """Put items of a plan into a state; return how many there were."""
        at = (PLAN_ITEM.c.plan == plan) & PLAN_ITEM.c.n.in_([*places])
        new = {"state": str(state), "note": note, "changed": self._database.now}
        with self._database.writing() as connection:
            changed = connection.execute(update(PLAN_ITEM).where(at).values(new))
            return int(changed.rowcount)

    def counts(self, plan: str) -> dict[str, int]:
        """Return how many items of a plan are in which state."""
        look = (
            select(PLAN_ITEM.c.state, func.count())
            .where(PLAN_ITEM.c.plan == plan)
            .group_by(PLAN_ITEM.c.state)
        )
        with self._database.reading() as connection:
            rows = connection.execute(look).all()
        return {row[0]: row[1] for row in rows}

    def drop(self, plan: str) -> None:
        """Forget a plan and its items."""
        self._database.drop(PLAN_ITEM, PLAN_ITEM.c.plan == plan)
        self._database.drop(PLAN, PLAN.c.plan == plan)

    def drop_old(self, age: float) -> int:
        """Forget plans that nobody has put into another state for so many seconds.

        One that runs or is paused has something left to do: it stays.

        Returns:
            How many.
        """
        is_old = PLAN.c.changed < self._database.now - age
        over = PLAN.c.state.not_in([it.value for it in _AT_WORK])
        with self._database.reading() as connection:
            look = select(PLAN.c.plan, PLAN.c.state).where(is_old & over)
            found = connection.execute(look).all()
        # Nobody begins to send what is cancelled, while its items go.
        gone = [it for it, state in found if self.change(it, State.CANCELLED, [state])]
        for plan in gone:
            self.drop(plan)
        return len(gone)


def _columns(item: Item) -> dict[str, Any]:
    return {
        "n": item.n,
        "key": item.key,
        "topic": item.topic,
        "body": item.body,
        "state": str(item.state),
        "note": item.note,
    }


def _item(row: "Row[Any]") -> Item:
    return Item(
        row.n, row.key, row.topic, bytes(row.body), row.state, row.note, row.changed
    )
