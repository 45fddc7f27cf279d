"""Items that wait until their group is complete."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import attrs
from sqlalchemy import ColumnElement, delete, func, select

from task_store.database import Database
from task_store.tables import GROUP

AT_ONCE = 500
"""Items that one statement names."""


@attrs.frozen
class Group:
    """A group that waits.

    Args:
        name: Its name.
        count: How many items it has.
        first, last: When the first and the last of them arrived.
    """

    name: str
    count: int
    first: float
    last: float


class Groups:
    """Groups of each rule.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rule: str, name: str, items: Mapping[str, bytes]) -> None:
        """Put items into a group; one that is there gets new bytes, and arrives now.

        Args:
            rule, name: Of the group.
            items: Bytes of each, by its name.
        """
        new = self._database.insert(GROUP).values(
            rule=rule, name=name, arrived=self._database.now
        )
        changed = new.on_conflict_do_update(
            index_elements=[GROUP.c.rule, GROUP.c.name, GROUP.c.item],
            set_={"body": new.excluded.body, "arrived": new.excluded.arrived},
        )
        rows = [{"item": item, "body": items[item]} for item in sorted(items)]
        if rows:
            with self._database.writing() as connection:
                connection.execute(changed, rows)

    def items(self, rule: str, name: str, limit: int | None = None) -> dict[str, bytes]:
        """Return the items of a group, those first that arrived first.

        Args:
            rule, name: Of the group.
            limit: Most items.
        """
        look = select(GROUP.c.item, GROUP.c.body).where(_at(rule, name))
        look = look.order_by(GROUP.c.arrived, GROUP.c.item).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(look).all()
        return {row.item: bytes(row.body) for row in rows}

    def waiting(self, rule: str) -> list[Group]:
        """Return the groups of a rule, the oldest first."""
        first = func.min(GROUP.c.arrived)
        look = (
            select(GROUP.c.name, func.count(), first, func.max(GROUP.c.arrived))
            .where(GROUP.c.rule == rule)
            .group_by(GROUP.c.name)
            .order_by(first, GROUP.c.name)
        )
        with self._database.reading() as connection:
            return [Group(*row) for row in connection.execute(look)]

    def take(
        self, rule: str, name: str, items: Iterable[str] | None = None
    ) -> dict[str, bytes]:
        """Return the items of a group, and take them out; for one who claims its task.

        Of two that do so at a time, one gets them and the other nothing.

        Args:
            rule, name: Of the group.
            items: Which of them; all when None.
        """
        gone = delete(GROUP).where(_at(rule, name))
        rows: list[Any] = []
        with self._database.writing() as connection:
            for some in _parts(items):
                these = gone if some is None else gone.where(GROUP.c.item.in_(some))
                back = these.returning(GROUP.c.item, GROUP.c.body)
                rows += connection.execute(back).all()
        rows.sort()
        return {row.item: bytes(row.body) for row in rows}


def _parts(items: Iterable[str] | None) -> Iterator[list[str] | None]:
    """Yield items some at a time, as a statement can carry them."""
    if items is None:
        yield None
        return
    left = iter(items)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _at(rule: str, name: str) -> ColumnElement[bool]:
    return (GROUP.c.rule == rule) & (GROUP.c.name == name)
