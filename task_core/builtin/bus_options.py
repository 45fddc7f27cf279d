"""The options of the core's own buses: beside the manifests, below the buses."""

from datetime import timedelta
from enum import Enum

import attrs

from task_core.options import UrlPart, option


@attrs.frozen(kw_only=True, eq=False)
class FileOptions:
    """Options of the bus `file`."""

    path: str = option(
        "",
        help="File to read (or, as --out-bus, to write), - for stdin or stdout; when"
        " not given, the topic names it.",
        url=UrlPart.LOCATION,
        metavar="PATH",
    )
    follow: bool = option(False, help="Keep reading as the file grows.")


@attrs.frozen(kw_only=True, eq=False)
class MemoryOptions:
    """Options of the bus `memory`."""

    name: str = option(
        "default", help="Buses of one name share topics.", url=UrlPart.LOCATION
    )


@attrs.frozen(kw_only=True, eq=False)
class NopOptions:
    """Options of the bus `nop`: what is to go wrong."""

    count: int = option(0, help="Messages to deliver; 0 never ends.")
    err: bool = option(False, help="Everything fails.")
    init_err: bool = option(False, help="Subscribing and producers fail.")
    msg_err: bool = option(False, help="Receiving fails.")
    msg_done: bool = option(False, help="The input is at its end.")
    msg_msg_done: bool = option(False, help="The input ends after one message.")
    send_err: bool = option(False, help="Sending fails.")
    stop_err: bool = option(False, help="Closing fails.")


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
        " there (start). The first channel of a topic always sees all.",
    )
    patience: timedelta = option(
        timedelta(seconds=30), help="How long to wait while the file is locked."
    )
