"""The options of the bus: beside the manifest, below everything else."""

from datetime import timedelta
from enum import Enum

import attrs

from task_core.api import UrlPart, option


class Sync(Enum):
    """What a commit of the bus `sqlite` waits for."""

    NORMAL = "normal"
    """The operating system: safe when a process dies, not when the power fails."""
    FULL = "full"
    """The disk: safe when the power fails too, and slower."""


class ReadFrom(Enum):
    """Which messages a new channel of the bus `sqlite` sees."""

    NEW = "new"
    START = "start"


@attrs.frozen(kw_only=True, eq=False)
class SqliteOptions:
    """Options of the bus `sqlite`."""

    path: str = option(
        "task.db",
        help="The database, made when missing.",
        url=UrlPart.LOCATION,
        metavar="PATH",
    )
    sync: Sync = option(
        Sync.NORMAL,
        help="What a send waits for: the operating system (normal) or the disk (full).",
    )
    keep: timedelta = option(
        timedelta(0), help="How long to keep messages that every channel has settled."
    )
    from_: ReadFrom = option(
        ReadFrom.NEW,
        help="What a new channel sees: what is sent from now on (new), or all that is"
        " there (start). The first one of a topic that does not only look sees all.",
    )
    patience: timedelta = option(
        timedelta(seconds=30), help="How long to wait while the file is locked."
    )
