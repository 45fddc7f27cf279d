"""What becomes of firings that nothing was there for."""

from enum import StrEnum


class Missed(StrEnum):
    """What becomes of firings that are more than a minute late when we look."""

    SKIP = "skip"
    """They are left out."""
    LAST = "last"
    """The latest of them is made up for."""
    ALL = "all"
    """Each of them is made up for, in order."""
