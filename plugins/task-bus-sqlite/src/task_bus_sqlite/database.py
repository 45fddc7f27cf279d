"""What the parts of a bus share: one open file, and what is known about it."""

from task_bus_sqlite.channels import Channels
from task_bus_sqlite.file import SqliteFile
from task_bus_sqlite.retention import Retention
from task_bus_sqlite.tidying import Tidying
from task_bus_sqlite.topics import Topics


class Database:
    """A database of tasks.

    Args:
        file: Where it is.
        keep: Seconds that messages stay after all channels have settled them.
        from_start: A new channel is to see all that is kept.
    """

    def __init__(self, file: SqliteFile, *, keep: float, from_start: bool) -> None:
        self.file = file
        self.retention = Retention(file, keep)
        self.topics = Topics(file)
        self.channels = Channels(file, self.topics, self.retention, from_start)
        self.tidying = Tidying(file, self.channels, self.retention)
