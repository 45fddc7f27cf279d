"""Lists folders of this machine's file system."""

import os
import re
import stat
from collections.abc import Container, Iterable, Iterator
from datetime import UTC, datetime
from operator import attrgetter

from task_taskmaster_files.file import File
from task_taskmaster_files.listing import Folder
from task_taskmaster_files.names import Names, State
from task_taskmaster_files.pattern import Place

_KIND, _FILE = 0o170000, stat.S_IFREG
_OPEN = os.O_RDONLY | os.O_DIRECTORY
_VERSION = attrgetter("st_size", "st_mtime_ns", "st_ino")
_TEXT = re.compile(r"(\d+)-(-?\d+)-(\d+)", re.ASCII)
"""A version as text; what was written before 1970 has a sign."""


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
                yield _failed(path, error)
                continue
            try:  # from within, where the system need not walk a path for each file
                with os.scandir(opened) as entries:
                    found: Iterable[os.DirEntry[str]] = entries
                    if names.leads_on(state):
                        found = list(entries)
                        todo += _below(path, found, names, state)
                    _look(folder, found, names, state, known, marks=marks, times=times)
            except OSError as error:
                folder = _failed(path, error)
            finally:
                os.close(opened)
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
        """Return the mark of a file that was told in an earlier process.

        What an event or another storage has told has a version that is none of ours: it
        stands for no file that is listed, and is forgotten in time, as what is gone.
        """
        folder, _, name = path.rpartition("/")
        ours = _TEXT.fullmatch(version)
        facts = tuple(map(int, ours.groups())) if ours else version
        return hash((hash(folder or "/"), name, facts))


def _failed(path: str, error: OSError) -> Folder:
    return Folder(path, error=f"cannot list {path}: {error.strerror}")


def _look(
    folder: Folder,
    found: Iterable["os.DirEntry[str]"],
    names: Names,
    state: State,
    known: Container[int],
    *,
    marks: bool,
    times: bool,
) -> None:
    """Fill in what is fresh; what is known is meant, and a file.

    Nothing is kept of what is known: a listing of many takes as long as its calls of
    the system, nearly.
    """
    is_meant = names.files(state)
    here = hash(folder.path)
    written = {}
    for entry in found:
        try:
            facts = entry.stat()
        except OSError:  # gone by now, or a link to nowhere
            continue
        name = entry.name
        mark = hash((here, name, _VERSION(facts)))
        if times:
            written[name] = facts.st_mtime_ns
        if mark not in known:
            if facts.st_mode & _KIND != _FILE or not is_meant(name):
                continue
            folder.fresh.append((mark, name, facts))
        folder.count += 1
        if marks:
            folder.marks.append(mark)
    folder.times = written


def _below(
    path: str, found: Iterable["os.DirEntry[str]"], names: Names, state: State
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


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"
