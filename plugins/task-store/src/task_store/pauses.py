"""What is to rest until somebody says otherwise."""

import attrs
from sqlalchemy import delete, select

from task_store.database import Database
from task_store.tables import PAUSE


@attrs.frozen
class Pause:
    """A pause.

    Args:
        name: What rests: a rule, a phase, a plan.
        who: Who said so.
        note: Why.
        since: Since when.
    """

    name: str
    who: str
    note: str
    since: float


class Pauses:
    """What rests.

    Args:
        database: Where it is written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def pause(self, name: str, who: str = "", note: str = "") -> bool:
        """Let something rest; return False when it does already."""
        new = self._database.insert(PAUSE).values(
            name=name, who=who, note=note, since=self._database.now
        )
        new = new.on_conflict_do_nothing().returning(PAUSE.c.name)
        with self._database.writing() as connection:
            return connection.execute(new).first() is not None

    def resume(self, name: str) -> bool:
        """Let something go on; return False when it did not rest."""
        with self._database.writing() as connection:
            gone = connection.execute(delete(PAUSE).where(PAUSE.c.name == name))
            return bool(gone.rowcount)

    def all(self) -> dict[str, Pause]:
        """Return what rests, by name."""
        look = select(PAUSE.c.name, PAUSE.c.who, PAUSE.c.note, PAUSE.c.since)
        with self._database.reading() as connection:
            rows = connection.execute(look.order_by(PAUSE.c.since)).all()
        return {row.name: Pause(*row) for row in rows}
