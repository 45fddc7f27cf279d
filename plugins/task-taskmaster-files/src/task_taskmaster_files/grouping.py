"""When a group of files is complete. Nothing here knows of files, clocks or stores."""

from datetime import UTC, datetime
from enum import StrEnum

import attrs
from task_rules.schedule import Schedule


class Late(StrEnum):
    """What becomes of a file that comes after its group has fired."""

    AGAIN = "again"
    """Its group fires again, with the late files alone, however few these are."""
    NEXT = "next"
    """It begins the next group of as many: what `count` alone means."""
    ALERT = "alert"
    """A person is told, and no task is made."""
    IGNORE = "ignore"
    """It is only written to the log."""


class Short(StrEnum):
    """What becomes of a group that must fire and has too few files."""

    WARN = "warn"
    """It fires; log and meta say what is missing."""
    ALERT = "alert"
    """A person is told, and it goes on waiting."""


@attrs.frozen(kw_only=True)
class Grouping:
    """How the files of a rule belong together, and when a group fires.

    Args:
        by: Template of the groups' names: `{dir}`, or date tokens.
        count: As soon as it has so many files.
        quiet: Seconds after its latest file.
        at: At the times of this schedule.
        max_wait: Seconds after its first file, whatever else.
        min_count: Files that it should have; otherwise it is short.
        late, short: What becomes of such files and groups.
    """

    by: str
    count: int | None = None
    quiet: float | None = None
    at: Schedule | None = None
    max_wait: float | None = None
    min_count: int = 1
    late: Late = Late.AGAIN
    short: Short = Short.WARN

    @property
    def has_time(self) -> bool:
        """Whether a time has it fire, and not only a count."""
        return bool(self.quiet or self.at or self.max_wait)


@attrs.frozen
class Verdict:
    """What is to be done with a group now.

    Args:
        fire: How many files of it fire, the first ones; 0 for none.
        short: Whether it must fire and has too few.
        next: When to look again if nothing new comes; None for never.
    """

    fire: int = 0
    short: bool = False
    next: float | None = None


def judge(
    grouping: Grouping,
    count: int,
    first: float,
    last: float,
    now: float,
    *,
    late: bool = False,
) -> Verdict:
    """Tell what is to be done with a group.

    Args:
        grouping: Its rule.
        count: How many files wait in it.
        first, last: When these came, in seconds since 1970.
        now: The same.
        late: Whether these are late: then they need not be many.
    """
    if grouping.count and count >= grouping.count:
        return Verdict(fire=grouping.count)
    if late and not grouping.has_time:
        return Verdict(fire=count)
    enough = late or count >= grouping.min_count
    deadline = _deadline(grouping, first)
    if deadline is not None and now >= deadline:
        return Verdict(fire=count, short=not enough)
    rest = last + grouping.quiet if grouping.quiet and enough else None
    if rest is not None and now >= rest:
        return Verdict(fire=count)
    moments = [it for it in (deadline, rest) if it is not None]
    return Verdict(next=min(moments, default=None))


def _deadline(grouping: Grouping, first: float) -> float | None:
    """Return when a group fires whatever it has."""
    moments = []
    if grouping.max_wait is not None:
        moments.append(first + grouping.max_wait)
    if grouping.at is not None:
        firing = grouping.at.after(datetime.fromtimestamp(int(first), UTC))
        if firing is not None:
            moments.append(firing.timestamp())
    return min(moments, default=None)
