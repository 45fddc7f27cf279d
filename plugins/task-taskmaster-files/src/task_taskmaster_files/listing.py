"""What a lister of folders is: one for this machine, one for everything else."""

from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

import attrs

from task_taskmaster_files.file import File
from task_taskmaster_files.names import Names
from task_taskmaster_files.pattern import Place


@attrs.define
class Folder:
    """One folder that was listed.

    Args:
        path: Its path or URL, without a slash at its end.
        fresh: What is not known: mark, name, and what the lister knows of it.
        count: How many files are meant in it.
        marks: Of all of them, when they were asked for.
        times: Name -> when it was written, of all names, when they were asked for.
        error: Why it could not be listed, in one line; or empty.
        missing: Whether it is not there.
    """

    path: str
    fresh: list[tuple[int, str, Any]] = attrs.Factory(list)
    count: int = 0
    marks: list[int] = attrs.Factory(list)
    times: Mapping[str, Any] = attrs.Factory(dict)
    error: str = ""
    missing: bool = False


class Lister(Protocol):
    """Lists folders."""

    def scan(
        self,
        place: Place,
        names: Names,
        known: Container[int],
        *,
        marks: bool = False,
        times: bool = False,
    ) -> Iterator[Folder]:
        """List a place.

        Args:
            place: Where it begins; when it is not there, nothing is.
            names: Which names are meant.
            known: Marks of what need not be told.
            marks, times: Whether to fill those of the folders.
        """

    def file(self, folder: str, name: str, facts: Any, moment: datetime | None) -> File:
        """Return a file that a scan has found fresh."""

    def mark(self, path: str, version: str) -> int:
        """Return the mark of a file that was told in an earlier process.

        Marks stand for a path and a version within one process.
        """
