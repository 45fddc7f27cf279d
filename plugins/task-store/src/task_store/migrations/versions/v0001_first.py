"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    _outbox()
    _progress_and_joins()
    _files()
    _plans()
    _pauses()


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[float]":
    return sa.Column(name, sa.Double, nullable=nullable)


def _text(name: str, *, key: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _body() -> "sa.Column[bytes]":
    return sa.Column("body", sa.LargeBinary, nullable=False)


def _number(name: str, *, key: bool = False) -> "sa.Column[int]":
    return sa.Column(
        name, sa.Integer, primary_key=key, autoincrement=False, nullable=False
    )


def _outbox() -> None:
    op.create_table(
        "task_outbox",
        _text("key", key=True),
        _text("topic"),
        _body(),
        _moment("due"),
        _text("owner"),
        _moment("ready"),
        _moment("claimed"),
        _moment("sent", nullable=True),
    )
    op.create_index("task_outbox_sent_ready", "task_outbox", ["sent", "ready"])


def _progress_and_joins() -> None:
    op.create_table(
        "task_progress",
        _text("scope", key=True),
        _text("key", key=True),
        _text("name"),
        _moment("done"),
    )
    op.create_table(
        "task_join",
        _text("workflow", key=True),
        _text("phase", key=True),
        _text("key", key=True),
        _text("parent", key=True),
        _body(),
        _moment("arrived"),
        _moment("expires", nullable=True),
        _moment("fired", nullable=True),
    )


def _files() -> None:
    op.create_table(
        "task_seen",
        _text("rule", key=True),
        _text("path", key=True),
        _text("version", key=True),
        _moment("at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "task_group",
        _text("rule", key=True),
        _text("name", key=True),
        _text("item", key=True),
        _body(),
        _moment("arrived"),
    )


def _plans() -> None:
    op.create_table(
        "task_plan",
        _text("plan", key=True),
        _text("parameters"),
        _text("who"),
        _text("state"),
        _moment("made"),
        _moment("changed"),
    )
    op.create_table(
        "task_plan_item",
        _text("plan", key=True),
        _number("n", key=True),
        _text("key"),
        _text("topic"),
        _body(),
        _text("state"),
        _text("note"),
        _moment("changed"),
    )
    op.create_index("task_plan_item_state", "task_plan_item", ["plan", "state", "n"])
    op.create_index("task_plan_item_key", "task_plan_item", ["key"])


def _pauses() -> None:
    op.create_table(
        "task_pause",
        _text("name", key=True),
        _text("who"),
        _text("note"),
        _moment("since"),
    )
    op.create_table(
        "task_alone",
        _text("name", key=True),
        _text("owner"),
        _text("place"),
        _number("pid"),
        _moment("since"),
        _moment("beat"),
    )
