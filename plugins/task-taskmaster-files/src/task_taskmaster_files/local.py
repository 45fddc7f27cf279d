"""Lists folders of this machine's file system."""

import os
import stat
from collections.abc import Container, Iterator
from datetime import UTC, datetime
from typing import Any

from task_taskmaster_files.file import File
from task_taskmaster_files.listing import Folder
from task_taskmaster_files.names import Names, State
from task_taskmaster_files.pattern import Place

_KIND, _FILE = 0o170000, stat.S_IFREG


class LocalLister:
    """Lists by `scandir`; a version is size, time in nanoseconds and inode."""

    def scan(
        self,
        place: Place,
        names: Names,
        known: Container[int],
        *,
        marks: bool = False,
        times: bool = False,
    ) -> Iterator[Folder]:
        """List a place; see `Lister`."""
        todo = [(place.root, names.start)]
        while todo:
            path, state = todo.pop()
            folder = Folder(path)
            try:
                with os.scandir(path) as entries:
                    found = list(entries)
            except (FileNotFoundError, NotADirectoryError):
                folder.missing = True
                yield folder
                continue
            except OSError as error:
                folder.error = f"cannot list {path}: {error.strerror}"
                yield folder
                continue
            if names.leads_on(state):
                todo += _below(found, names, state)
            self._look(folder, found, names, state, known, marks=marks)
            if times:
                folder.times = _times(found)
            yield folder

    def file(
        self, folder: str, name: str, facts: os.stat_result, moment: datetime | None
    ) -> File:
        """Return a file that a scan has found fresh."""
        return File(
            path=_join(folder, name),
            version=f"{facts.st_size}-{facts.st_mtime_ns}-{facts.st_ino}",
            size=facts.st_size,
            created=datetime.fromtimestamp(facts.st_mtime, UTC),
            moment=moment,
        )

    def mark(self, path: str, version: str) -> int:
        """Return the mark of a file that was told in an earlier process."""
        folder, _, name = path.rpartition("/")
        return hash((hash(folder or "/"), name, *map(int, version.split("-"))))

    def _look(
        self,
        folder: Folder,
        found: list["os.DirEntry[str]"],
        names: Names,
        state: State,
        known: Container[int],
        *,
        marks: bool,
    ) -> None:
        """Fill in what is fresh. This loop takes most of the time of a scan.

        What is known is meant, and a file: so its name is not looked at again.
        """
        is_meant = names.files(state)
        here = hash(folder.path)
        count = 0
        for entry in found:
            name = entry.name
            try:
                facts = entry.stat()
            except OSError:
                continue  # it is gone by now, or a link to nowhere
            mark = hash((here, name, facts.st_size, facts.st_mtime_ns, facts.st_ino))
            if mark not in known:
                if facts.st_mode & _KIND != _FILE or not is_meant(name):
                    continue
                folder.fresh.append((mark, name, facts))
            count += 1
            if marks:
                folder.marks.append(mark)
        folder.count = count


def _below(
    found: list["os.DirEntry[str]"], names: Names, state: State
) -> Iterator[tuple[str, State]]:
    for entry in found:
        inner = names.enter(state, entry.name)
        if inner and _is_folder(entry, links=not names.is_deep(inner)):
            yield entry.path, inner


def _is_folder(entry: "os.DirEntry[str]", *, links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=links)
    except OSError:
        return False


def _times(found: list["os.DirEntry[str]"]) -> dict[str, Any]:
    times = {}
    for entry in found:
        try:
            times[entry.name] = entry.stat().st_mtime_ns
        except OSError:
            continue
    return times


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"
