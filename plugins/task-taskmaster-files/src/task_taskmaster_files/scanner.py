"""Looks for the files of one rule, again and again."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime

import attrs
from task_rules.info_dates import path_time

from task_taskmaster_files.file import File
from task_taskmaster_files.listing import Folder, Lister
from task_taskmaster_files.names import Names
from task_taskmaster_files.pattern import Place
from task_taskmaster_files.rule import Rule
from task_taskmaster_files.waiting import Waiting

Found = tuple[int, File]
"""A file, and the mark by which it is known."""


@attrs.define
class Tally:
    """What a scan has seen.

    Args:
        files: How many are meant.
        waiting: How many of them are not finished.
        problems: What could not be listed, one line each.
        roots: Whether all places could be listed, what is inside of them aside.
        missing: The folder or bucket that should be there and is not; or empty.
    """

    files: int = 0
    waiting: int = 0
    problems: list[str] = attrs.Factory(list)
    roots: bool = True
    missing: str = ""

    def told(self) -> list[str]:
        """Return what could not be listed, a folder that is not there among it."""
        missing = [f"there is no {self.missing}, as yet"] if self.missing else []
        return [*self.problems, *missing]


class Scanner:
    """Looks for the files of one rule.

    Args:
        rule: The rule.
        lister: Of its storage.
    """

    def __init__(self, rule: Rule, lister: Lister) -> None:
        self.rule = rule
        self.log = logging.getLogger("task.taskmaster")
        self.known: set[int] = set()
        self.tally = Tally()
        self._lister = lister
        self._waiting = Waiting(rule.quiet)
        self._unreadable: set[str] = set()
        self._looked = 0.0

    def mark(self, path: str, version: str) -> int:
        """Return the mark of a version of a file."""
        return self._lister.mark(path, version)

    def know(self, path: str, version: str) -> None:
        """Take a version of a file for told."""
        self.known.add(self.mark(path, version))

    def forget(self, versions: Iterable[tuple[str, str]]) -> None:
        """Take versions of files for new when they come again."""
        self.known.difference_update(self.mark(*it) for it in versions)

    def scan(
        self, now: datetime, lapse: float, *, whatever: bool = False
    ) -> Iterator[list[Found]]:
        """List, and yield what is new and finished, folder by folder.

        What the caller does not come to know comes again.

        Args:
            now: Which date tokens are due.
            lapse: Seconds of a clock that nobody sets.
            whatever: Yield what is new, finished or not.
        """
        self.tally = tally = Tally()
        self._looked = lapse
        self._waiting.begin()
        for place in self.rule.pattern.places(now, self.rule.lookback):
            for folder in self._folders(place):
                tally.files += folder.count
                if (
                    folder.missing
                    and place.moment is None
                    and folder.path == place.root
                ):
                    tally.missing = folder.path
                if folder.error:
                    tally.problems.append(folder.error)
                    tally.roots = tally.roots and folder.path != place.root
                elif found := self._ready(folder, place, lapse, whatever=whatever):
                    yield found
        self._waiting.end(complete=not tally.problems)
        tally.waiting = len(self._waiting)

    def marks(self, now: datetime) -> set[int] | None:
        """List all, and return the marks; None when not all could be listed."""
        found: set[int] = set()
        for place in self.rule.pattern.places(now, self.rule.lookback):
            for folder in self._folders(place, marks=True):
                if folder.error:
                    return None
                found.update(folder.marks)
        return found

    def told(self, found: list[Found]) -> None:
        """These are told: they are known from now on."""
        self.known.update(mark for mark, _ in found)
        self._waiting.told(file.path for _, file in found)

    def next(self) -> float | None:
        """Return when another file may be finished, on the clock of the lapse."""
        return self._waiting.next(self._looked)

    def _folders(self, place: Place, *, marks: bool = False) -> Iterator[Folder]:
        names = Names(place.segments, self.rule.ignore)
        times = self.rule.marker is not None
        return self._lister.scan(place, names, self.known, marks=marks, times=times)

    def _ready(
        self, folder: Folder, place: Place, lapse: float, *, whatever: bool
    ) -> list[Found]:
        found = []
        for mark, name, facts in folder.fresh:
            if not self._is_readable(folder.path, name):
                continue
            file = self._lister.file(folder.path, name, facts, place.moment)
            if whatever or self._is_finished(folder, file, mark, lapse):
                found.append((mark, dated(file)))
        return found

    def _is_finished(self, folder: Folder, file: File, mark: int, lapse: float) -> bool:
        marker = self.rule.marker
        is_marked = marker is None or marker.says_done(file.name, folder.times)
        is_quiet = self._waiting.is_ready(file.path, mark, lapse)
        return is_marked and is_quiet

    def _is_readable(self, folder: str, name: str) -> bool:
        """Whether JSON and a database can have its path; told once when not."""
        try:
            f"{folder}/{name}".encode()
        except UnicodeEncodeError:
            path = f"{folder}/{name}".encode("utf-8", "backslashreplace").decode()
            if path not in self._unreadable:
                self._unreadable.add(path)
                self.log.warning("%s: its name is not UTF-8: left out", path)
            return False
        return True


def dated(file: File) -> File:
    """Return a file with the date in its path, when its pattern tells none."""
    if file.moment is not None:
        return file
    return attrs.evolve(file, moment=path_time(file.path))
