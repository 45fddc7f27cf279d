"""Joins whose time is over are found without reading all that wait."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index."""
    op.create_index("task_join_fired_expires", "task_join", ["fired", "expires"])
