"""Sees that the tables are there: made, or brought up to date, by whoever is first."""

import logging

from sqlalchemy import Connection, Engine, inspect, text

from task_store.errors import StoreError
from task_store.place import Place
from task_store.tables import METADATA, VERSION_TABLE, VERSIONS

VERSION = "0002"
"""The last step that this program knows."""
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('task_store', 0))")
_READ = text(f"SELECT version_num FROM {VERSION_TABLE}")


def prepare(engine: Engine, place: Place) -> None:
    """See that the tables are as this program knows them.

    Raises:
        StoreError: They are newer, or the file is another program's.
    """
    with engine.connect() as looking:
        looking.execution_options(reading=True)
        if _version(looking, place) == VERSION:
            return
    with engine.begin() as connection:
        if not place.path:
            connection.execute(_LOCK)  # a file is locked by now
        version = _version(connection, place)
        if not version:
            _make(connection)
        elif version != VERSION:
            upgrade(connection)


def _version(connection: Connection, place: Place) -> str:
    """Return what is there, empty when nothing is."""
    names = inspect(connection).get_table_names()
    if VERSION_TABLE not in names:
        if names and place.path:
            text = "it belongs to another program: name another file"
            raise StoreError(f"{place.name}: {text}")
        return ""
    version = str(connection.execute(_READ).scalar() or "")
    if version > VERSION:
        raise StoreError(
            f"{place.name}: a newer task-store made it (version {version}, this one"
            f" knows {VERSION}): update task-store"
        )
    return version


def _make(connection: Connection) -> None:
    """Make them as they are described: what is new needs no steps, and no Alembic."""
    METADATA.create_all(connection, checkfirst=False)
    connection.execute(VERSIONS.insert(), {"version_num": VERSION})


def upgrade(connection: Connection) -> None:
    """Take the steps that are left, all of them when there is nothing yet."""
    log = logging.getLogger("alembic")
    if log.level == logging.NOTSET:
        log.setLevel(logging.WARNING)  # what it does is nobody's business
    # Most starts have nothing to upgrade, and it takes long to load.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "task_store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, VERSION)
