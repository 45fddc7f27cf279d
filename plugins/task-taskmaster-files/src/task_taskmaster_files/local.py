"""Lists folders of this machine's file system."""

import os
import stat
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime
from itertools import repeat
from operator import attrgetter
from typing import Any

from task_taskmaster_files.file import File
from task_taskmaster_files.listing import Folder
from task_taskmaster_files.names import Names, State
from task_taskmaster_files.pattern import Place

_KIND, _FILE = 0o170000, stat.S_IFREG
_OPEN = os.O_RDONLY | os.O_DIRECTORY
_VERSION = attrgetter("st_size", "st_mtime_ns", "st_ino")


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
                opened = os.open(path, _OPEN)
            except (FileNotFoundError, NotADirectoryError):
                folder.missing = True
                yield folder
                continue
            except OSError as error:
                folder.error = f"cannot list {path}: {error.strerror}"
                yield folder
                continue
            try:  # from within, where the system need not walk a path for each file
                with os.scandir(opened) as entries:
                    found = list(entries)
                if names.leads_on(state):
                    todo += _below(path, found, names, state)
                found, facts = _facts(found)
            except OSError as error:
                folder.error = f"cannot list {path}: {error.strerror}"
                yield folder
                continue
            finally:
                os.close(opened)
            _look(folder, found, facts, names, state, known, marks=marks)
            if times:
                folder.times = _times(found, facts)
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
        return hash((hash(folder or "/"), name, tuple(map(int, version.split("-")))))


def _facts(
    found: list["os.DirEntry[str]"],
) -> tuple[list["os.DirEntry[str]"], list[os.stat_result]]:
    """Return what is there, and what it is; without what is gone by now."""
    try:
        return found, [entry.stat() for entry in found]
    except OSError:  # or a link to nowhere
        there = [(entry, facts) for entry in found if (facts := _stat(entry))]
        return [entry for entry, _ in there], [facts for _, facts in there]


def _stat(entry: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        return None


def _look(
    folder: Folder,
    found: Sequence["os.DirEntry[str]"],
    facts: Sequence[os.stat_result],
    names: Names,
    state: State,
    known: Container[int],
    *,
    marks: bool,
) -> None:
    """Fill in what is fresh; what is known is meant, and a file.

    Nothing but the marks is made for all files: a listing of many takes as long as its
    calls of the system, nearly.
    """
    is_meant = names.files(state)
    here = repeat(hash(folder.path))
    all_names = [entry.name for entry in found]
    all_marks = list(
        map(hash, zip(here, all_names, map(_VERSION, facts), strict=False))
    )
    others = set()
    for at, mark in enumerate(all_marks):
        if mark not in known:
            if facts[at].st_mode & _KIND == _FILE and is_meant(all_names[at]):
                folder.fresh.append((mark, all_names[at], facts[at]))
            else:
                others.add(at)
    folder.count = len(all_marks) - len(others)
    if marks:
        folder.marks = [it for at, it in enumerate(all_marks) if at not in others]


def _below(
    path: str, found: Sequence["os.DirEntry[str]"], names: Names, state: State
) -> Iterator[tuple[str, State]]:
    for entry in found:
        inner = names.enter(state, entry.name)
        if inner and _is_folder(entry, links=not names.is_deep(inner)):
            yield _join(path, entry.name), inner


def _is_folder(entry: "os.DirEntry[str]", *, links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=links)
    except OSError:
        return False


def _times(
    found: Sequence["os.DirEntry[str]"], facts: Sequence[os.stat_result]
) -> dict[str, Any]:
    return {entry.name: it.st_mtime_ns for entry, it in zip(found, facts, strict=True)}


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"
