"""The options of commands that need no more than a bus, and where they are set."""

from datetime import timedelta

import attrs
from attrs.validators import ge, optional

from task_core.config.selection import PREFIX
from task_core.config.sources import Section
from task_core.options import more_than_nothing, option

WEAKER = (("task",), ("launch",))
"""Tables that say for all commands which bus, where a command's own says nothing."""
_BUS = "Bus: a name or a URL."


@attrs.frozen(kw_only=True, eq=False)
class SendOptions:
    """How tasks are sent."""

    bus: str = option("stdio", help=_BUS)
    prefix: str = option("", help=PREFIX)
    topic: str | None = option(None, help="Topic; the task's type if not given.")
    delay: timedelta | None = option(
        None, help="Arrive not before, for example 10s or 1h (where the bus can)."
    )
    priority: int = option(
        0, help="Higher arrives first, below 0 last (where the bus can)."
    )
    done_topic: str = option("done", help="Where --wait looks for the done tasks.")
    unique: timedelta | None = option(
        None,
        help="Refuse what was sent before in this time, for example 1h (with a hook"
        " plugin that remembers it).",
        validator=optional(more_than_nothing),
    )
    hooks: tuple[str, ...] = option(
        (),
        help="Hooks to load beside those installed: file.py or module:object; repeat.",
        metavar="HOOKS",
    )
    require_hooks: bool = option(
        False, help="Send nothing when an installed hook plugin cannot be loaded."
    )


@attrs.frozen(kw_only=True, eq=False)
class TailOptions:
    """What is shown of a topic."""

    bus: str = option("stdio", help=_BUS)
    prefix: str = option("", help=PREFIX)
    channel: str | None = option(
        None,
        help="Take from this channel, rather than only look: what is shown is gone for"
        " it.",
    )
    max: int = option(0, help="Stop after so many; 0 is no limit.", validator=ge(0))
    raw: bool = option(False, help="Show the bytes on a terminal too.")
    follow: bool = option(False, help="Wait for more.")


@attrs.frozen(kw_only=True, eq=False)
class TopicsOptions:
    """What is listed."""

    bus: str = option("stdio", help=_BUS)
    prefix: str = option("", help=PREFIX)
    channel: str | None = option(None, help="Channel on which to count.")


@attrs.frozen(kw_only=True, eq=False)
class DeadOptions:
    """Which dead letters are meant."""

    bus: str = option("stdio", help=_BUS)
    prefix: str = option("", help=PREFIX)
    dead_topic: str | None = option(
        None, help="Where they are; <topic>.dead if not given.", metavar="TOPIC"
    )
    older_than: timedelta | None = option(None, help="Only those older.")
    newer_than: timedelta | None = option(None, help="Only those newer.")


SEND = Section(options=SendOptions, table=("send",), weaker=WEAKER)
TAIL = Section(options=TailOptions, table=("tail",), weaker=WEAKER)
TOPICS = Section(options=TopicsOptions, table=("topics",), weaker=WEAKER)
DEAD = Section(options=DeadOptions, table=("dead",), weaker=WEAKER)
