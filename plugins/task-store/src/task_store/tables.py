"""The tables. What changes here gets a step in `migrations/versions` as well.

Moments are seconds since 1970. The names begin with `task_`, since a database of
PostgreSQL may be shared with others.
"""

from sqlalchemy import (
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

METADATA = MetaData()
VERSION_TABLE = "task_store_version"
"""Where Alembic writes down how far the tables are."""
VERSIONS = Table(  # as Alembic makes it
    VERSION_TABLE,
    METADATA,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)


def _moment(name: str, *, nullable: bool = False) -> "Column[float]":
    return Column(name, Double, nullable=nullable)


def _text(name: str, *, key: bool = False) -> "Column[str]":
    return Column(name, Text, primary_key=key, nullable=False)


# Each row is one task that is to be sent once. `ready`: from when on anybody may take
# it: when it is due, or when the lease of its owner ends.
OUTBOX = Table(
    "task_outbox",
    METADATA,
    _text("key", key=True),
    _text("topic"),
    Column("body", LargeBinary, nullable=False),
    _moment("due"),
    _text("owner"),
    _moment("ready"),
    _moment("claimed"),
    _moment("sent", nullable=True),
    Index("task_outbox_sent_ready", "sent", "ready"),
)
# How far something that goes on and on is done: a rule of cron, a listing.
PROGRESS = Table(
    "task_progress",
    METADATA,
    _text("scope", key=True),
    _text("key", key=True),
    _text("name"),
    _moment("done"),
)
# A parent that has arrived, for a task that waits for several.
JOIN = Table(
    "task_join",
    METADATA,
    _text("workflow", key=True),
    _text("phase", key=True),
    _text("key", key=True),
    _text("parent", key=True),
    Column("body", LargeBinary, nullable=False),
    _moment("arrived"),
    _moment("expires", nullable=True),
    _moment("fired", nullable=True),
    Index("task_join_fired_expires", "fired", "expires"),
)
# Versions of files that are told already.
SEEN = Table(
    "task_seen",
    METADATA,
    _text("rule", key=True),
    _text("path", key=True),
    _text("version", key=True),
    _moment("at"),
    sqlite_with_rowid=False,
)
# Items that wait until their group is complete.
GROUP = Table(
    "task_group",
    METADATA,
    _text("rule", key=True),
    _text("name", key=True),
    _text("item", key=True),
    Column("body", LargeBinary, nullable=False),
    _moment("arrived"),
)
# A backload: what was asked for, and each task of it.
PLAN = Table(
    "task_plan",
    METADATA,
    _text("plan", key=True),
    _text("parameters"),
    _text("who"),
    _text("state"),
    _moment("made"),
    _moment("changed"),
)
PLAN_ITEM = Table(
    "task_plan_item",
    METADATA,
    _text("plan", key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    _text("key"),
    _text("topic"),
    Column("body", LargeBinary, nullable=False),
    _text("state"),
    _text("note"),
    _moment("changed"),
    Index("task_plan_item_state", "plan", "state", "n"),
    Index("task_plan_item_key", "key"),
)
# What is to rest until somebody says otherwise.
PAUSE = Table(
    "task_pause",
    METADATA,
    _text("name", key=True),
    _text("who"),
    _text("note"),
    _moment("since"),
)
# Who is the only one to do something, and when it last said so.
ALONE = Table(
    "task_alone",
    METADATA,
    _text("name", key=True),
    _text("owner"),
    _text("place"),
    Column("pid", Integer, nullable=False),
    _moment("since"),
    _moment("beat"),
)
