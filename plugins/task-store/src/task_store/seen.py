"""Versions of files, or of anything, that are told already."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, delete, func, select

from task_store.database import Database
from task_store.tables import SEEN

Version = tuple[str, str]
"""A path, and which version of it."""
AT_ONCE = 10_000
"""Rows that are fetched at a time."""


class Seen:
    """Which versions each rule has seen.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rule: str, versions: Sequence[Version]) -> list[bool]:
        """Note versions.

        Returns:
            For each whether it is new: whoever is told so, tells others.
        """
        if not versions:
            return []
        new = (
            self._database.insert(SEEN)
            .values(rule=rule, at=self._database.now)
            .on_conflict_do_nothing()
            .returning(SEEN.c.path, SEEN.c.version)
        )
        rows = [{"path": path, "version": it} for path, it in sorted(set(versions))]
        with self._database.writing() as connection:
            added = {(row.path, row.version) for row in connection.execute(new, rows)}
        return [_first(version, added) for version in versions]

    def load(self, rule: str) -> Iterator[Version]:
        """Return all versions that a rule has seen, by path and then by age."""
        look = (
            select(SEEN.c.path, SEEN.c.version)
            .where(SEEN.c.rule == rule)
            .order_by(SEEN.c.path, SEEN.c.at)
        )
        with self._database.reading() as connection:
            found = connection.execution_options(yield_per=AT_ONCE).execute(look)
            for path, version in found:  # noqa: UP028  plain tuples, as promised
                yield path, version

    def has(self, rule: str, version: Version) -> bool:
        """Whether a rule has seen a version."""
        look = select(SEEN.c.at).where(_at(rule, version))
        with self._database.reading() as connection:
            return connection.execute(look).first() is not None

    def count(self, rule: str) -> int:
        """Return how many versions a rule has seen."""
        look = select(func.count()).where(SEEN.c.rule == rule)
        with self._database.reading() as connection:
            return int(connection.execute(look).scalar_one())

    def older(self, rule: str, age: float) -> list[Version]:
        """Return the versions of a rule that were noted so many seconds ago."""
        look = select(SEEN.c.path, SEEN.c.version).where(
            (SEEN.c.rule == rule) & (SEEN.c.at < self._database.now - age)
        )
        with self._database.reading() as connection:
            return [(row.path, row.version) for row in connection.execute(look)]

    def renew(self, rule: str, versions: Iterable[Version]) -> None:
        """Note that versions are there yet: their age begins anew."""
        with self._database.writing() as connection:
            for version in versions:
                changed = SEEN.update().where(_at(rule, version))
                connection.execute(changed.values(at=self._database.now))

    def forget(self, rule: str, versions: Iterable[Version]) -> None:
        """Forget versions: their files are gone."""
        with self._database.writing() as connection:
            for version in versions:
                connection.execute(delete(SEEN).where(_at(rule, version)))

    def forget_older(self, rule: str, age: float) -> None:
        """Forget the versions of a rule that were noted more seconds ago."""
        is_old = (SEEN.c.rule == rule) & (SEEN.c.at < self._database.now - age)
        self._database.drop(SEEN, is_old)


def _at(rule: str, version: Version) -> ColumnElement[bool]:
    path, it = version
    return (SEEN.c.rule == rule) & (SEEN.c.path == path) & (SEEN.c.version == it)


def _first(version: Version, added: set[Version]) -> bool:
    """Whether a version was added; only once, if it was given twice."""
    found = version in added
    added.discard(version)
    return found
