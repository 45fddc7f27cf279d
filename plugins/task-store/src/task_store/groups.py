"""Items that wait until their group is complete."""

from collections.abc import Mapping

import attrs
from sqlalchemy import ColumnElement, delete, func, select

from task_store.database import Database
from task_store.tables import GROUP


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
        """Put items into a group; one that is there keeps its time, and gets new bytes.

        Args:
            rule, name: Of the group.
            items: Bytes of each, by its name.
        """
        new = self._database.insert(GROUP).values(
            rule=rule, name=name, arrived=self._database.now
        )
        changed = new.on_conflict_do_update(
            index_elements=[GROUP.c.rule, GROUP.c.name, GROUP.c.item],
            set_={"body": new.excluded.body},
        )
        rows = [{"item": item, "body": items[item]} for item in sorted(items)]
        if rows:
            with self._database.writing() as connection:
                connection.execute(changed, rows)

    def items(self, rule: str, name: str) -> dict[str, bytes]:
        """Return the items of a group, in the order of their names."""
        look = select(GROUP.c.item, GROUP.c.body).where(_at(rule, name))
        with self._database.reading() as connection:
            rows = connection.execute(look.order_by(GROUP.c.item)).all()
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

    def take(self, rule: str, name: str) -> dict[str, bytes]:
        """Return the items of a group, and take them out; for one who claims its task.

        Of two that do so at a time, one gets them and the other nothing.
        """
        gone = (
            delete(GROUP).where(_at(rule, name)).returning(GROUP.c.item, GROUP.c.body)
        )
        with self._database.writing() as connection:
            rows = sorted(connection.execute(gone).all())
        return {row.item: bytes(row.body) for row in rows}


def _at(rule: str, name: str) -> ColumnElement[bool]:
    return (GROUP.c.rule == rule) & (GROUP.c.name == name)
