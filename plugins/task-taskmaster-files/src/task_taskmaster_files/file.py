"""One version of one file, as a listing or an event tells it."""

import hashlib
from datetime import datetime

import attrs


@attrs.frozen(kw_only=True)
class File:
    """One version of one file.

    Args:
        path: Its path, or its URL.
        version: Changes with its content: an etag or a generation; else size, time and
            inode.
        size: Its bytes as stored; None when nobody says.
        checksum: As whoever keeps it tells it, or empty. No file is read for it.
        created: When that version was written, by the clock of whoever keeps it.
        lines, bytes: Of the content, when an event tells them.
        moment: What the date tokens of the pattern stand for in its path.
    """

    path: str
    version: str
    size: int | None = None
    checksum: str = ""
    created: datetime | None = None
    lines: int | None = None
    bytes: int | None = None
    moment: datetime | None = None

    @property
    def folder(self) -> str:
        """What its path begins with, without the slash."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


def digest(*parts: str) -> str:
    """Return a short text that stands for some texts, in any process."""
    text = "\0".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
