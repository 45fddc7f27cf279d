"""How far things are done that go on and on, such as rules of cron."""

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, select

from task_store.database import Database
from task_store.tables import PROGRESS

AT_ONCE = 500
"""Keys that one statement names."""


class Progress:
    """A moment for each key of a scope: all is done up to then.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, scope: str) -> dict[str, float]:
        """Return how far each key of a scope is done."""
        look = select(PROGRESS.c.key, PROGRESS.c.done).where(PROGRESS.c.scope == scope)
        with self._database.reading() as connection:
            return {row.key: row.done for row in connection.execute(look)}

    def known(self, scope: str, keys: Iterable[str]) -> set[str]:
        """Return which of some keys a scope has."""
        left, found = sorted(set(keys)), set[str]()
        for start in range(0, len(left), AT_ONCE):
            some = PROGRESS.c.key.in_(left[start : start + AT_ONCE])
            look = select(PROGRESS.c.key).where((PROGRESS.c.scope == scope) & some)
            with self._database.reading() as connection:
                found.update(connection.execute(look).scalars())
        return found

    def advance(self, scope: str, key: str, done: float, name: str = "") -> None:
        """Be done up to a moment, unless another instance is further.

        Args:
            scope, key: Of what.
            done: Up to when.
            name: For people who look into the tables.
        """
        self.advance_all(scope, {key: (done, name)})

    def advance_all(self, scope: str, moments: Mapping[str, tuple[float, str]]) -> None:
        """Do so for several keys: up to when, and the name of each."""
        new = self._database.insert(PROGRESS).values(scope=scope)
        further = new.on_conflict_do_update(
            index_elements=[PROGRESS.c.scope, PROGRESS.c.key],
            set_={"done": new.excluded.done, "name": new.excluded.name},
            where=new.excluded.done > PROGRESS.c.done,
        )
        rows = [
            {"key": key, "done": done, "name": name}
            for key, (done, name) in sorted(moments.items())
        ]
        if rows:
            with self._database.writing() as connection:
                connection.execute(further, rows)

    def begin_all(
        self, scope: str, moments: Mapping[str, tuple[float, str]]
    ) -> dict[str, float]:
        """Be done up to a moment where nothing is known, and return what is in force.

        Of instances that begin at the same time, the first one's word counts: were it
        the latest, what is between would be the first one's alone, and lost with it.

        Args:
            scope: Of what.
            moments: Up to when each key is done, and its name.

        Returns:
            Up to when each of these keys is done, by whoever wrote it.
        """
        new = self._database.insert(PROGRESS).values(scope=scope)
        rows = [
            {"key": key, "done": done, "name": name}
            for key, (done, name) in sorted(moments.items())
        ]
        if not rows:
            return {}
        with self._database.writing() as connection:
            connection.execute(new.on_conflict_do_nothing(), rows)
            found = self.load(scope)  # what another one wrote a moment ago, as well
        return {key: found[key] for key in moments}

    def put_back(self, scope: str, key: str, before: float, done: float) -> bool:
        """Be done up to an earlier moment, when a clock was wrong.

        Args:
            scope, key: Of what.
            before: What is there; when it has changed, nothing is done.
            done: Up to when.
        """
        at = (PROGRESS.c.scope == scope) & (PROGRESS.c.key == key)
        same = at & (PROGRESS.c.done == before)
        with self._database.writing() as connection:
            changed = connection.execute(
                PROGRESS.update().where(same).values(done=done)
            )
        return bool(changed.rowcount)

    def forget(self, scope: str, key: str) -> None:
        """Forget a key."""
        at = (PROGRESS.c.scope == scope) & (PROGRESS.c.key == key)
        with self._database.writing() as connection:
            connection.execute(delete(PROGRESS).where(at))

    def forget_before(self, scope: str, moment: float) -> None:
        """Forget the keys of a scope that are done up to an earlier moment."""
        is_old = (PROGRESS.c.scope == scope) & (PROGRESS.c.done < moment)
        self._database.drop(PROGRESS, is_old)
