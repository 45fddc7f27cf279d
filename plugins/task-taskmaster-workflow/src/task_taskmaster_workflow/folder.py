"""The files of a folder: read, and read again when they change."""

import os
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

import attrs

from task_core.api import OptionError
from task_taskmaster_workflow.book import Book
from task_taskmaster_workflow.checks import read_workflow
from task_taskmaster_workflow.read import Workflow

SUFFIX = ".toml"


@attrs.frozen(kw_only=True)
class File:
    """One file as it was read.

    Args:
        name: Its path within the folder.
        path: Where it is.
        content: Its text; None when it cannot be read.
        workflow: What it says; None when it cannot be used.
        serious: Why not, one line each.
        told: All that is wrong with it.
    """

    name: str
    path: Path
    content: bytes | None
    workflow: Workflow | None
    serious: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


def store_beside(place: Path) -> str:
    """Return where the store of a file or folder is, unless something else is said."""
    place = place.absolute()
    return str(place.with_name(f"{place.stem}.store.db"))


def read_file(name: str, path: Path) -> File:
    """Read one file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = f"{name}: cannot read {path}: {error.strerror}"
        return File(
            name=name,
            path=path,
            content=None,
            workflow=None,
            serious=(problem,),
            told=(problem,),
        )
    return _parsed(name, path, content)


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _parsed(name: str, path: Path, content: bytes) -> File:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        problem = (f"{name}: this is not UTF-8",)
        return File(
            name=name,
            path=path,
            content=content,
            workflow=None,
            serious=problem,
            told=problem,
        )
    workflow, file = read_workflow(name, text)
    return File(
        name=name,
        path=path,
        content=content,
        workflow=workflow if file.usable else None,
        serious=tuple(file.told(serious=True)),
        told=tuple(file.told()),
    )


def find_files(place: Path) -> dict[str, Path]:
    """Return the workflow files of a folder and those below it, or the one file.

    Returns:
        Where each is, by its name: its path within the folder. Only `*.toml` count,
        and none whose name, or whose folder's, begins with a dot. A folder that cannot
        be listed is there itself, as a file that cannot be read is.

    Raises:
        OptionError: There is no such place, or nothing in it, or it cannot be read.
    """
    try:
        if place.is_file():
            return {place.name: place}
        if not place.is_dir():
            raise OptionError([f"workflow {place}: there is no such file or folder"])
    except OSError as error:
        raise OptionError([f"workflow {place}: {error.strerror}"]) from None
    found = dict(sorted(_walk(place)))
    if not found:
        raise OptionError([f"workflow {place}: there is no {SUFFIX} file in it"])
    return found


def _walk(place: Path) -> Iterator[tuple[str, Path]]:
    unread: list[OSError] = []
    for folder, folders, files in os.walk(
        place, onerror=unread.append, followlinks=True
    ):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.endswith(SUFFIX) and not name.startswith("."):
                path = Path(folder, name)
                yield path.relative_to(place).as_posix(), path
    for error in unread:
        path = Path(error.filename)
        if path == place:
            raise OptionError([f"workflow {place}: {error.strerror}"])
        yield path.relative_to(place).as_posix(), path


def read_all(place: Path) -> Mapping[str, File]:
    """Read all files of a place, by name.

    Raises:
        OptionError: There is no such place, or nothing in it.
    """
    return {name: read_file(name, path) for name, path in find_files(place).items()}


class Library:
    """The files that are in force: of each the last version that could be used.

    A file that gets worse keeps its last good version, and no other file waits for it.
    One that is not there is gone when a second look does not see it either: it may be
    about to be written anew, and what is done meanwhile would have no children.

    Args:
        place: A file, or a folder of files.

    Raises:
        OptionError: There is none, or none that can be used.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._files = dict(read_all(place))
        self._good = {
            name: file.workflow for name, file in self._files.items() if file.workflow
        }
        self._unseen: set[str] = set()
        self.told = self._all_told()
        """What is wrong now, one line each."""
        if not self._good:
            raise OptionError(self.told)
        self.book = Book(self._good.values())
        """What is in force."""

    @property
    def workflows(self) -> list[Workflow]:
        """What is in force."""
        return [entry.workflow for entry in self.book.entries.values()]

    def refresh(self) -> list[str]:
        """Look again; swap the book in one step when something has changed.

        Returns:
            The names of the files that have; those that are gone with a `-` in front.
        """
        try:
            found = find_files(self.place)
        except OptionError as error:
            self.told = [str(error)]
            return []  # what was in force stays: a disk may come back
        changed = [name for name, path in found.items() if self._read(name, path)]
        unseen = {name for name in self._files if not _is_seen(name, found)}
        for name in sorted(unseen & self._unseen):
            del self._files[name]
            self._good.pop(name, None)
            changed.append(f"-{name}")
        self._unseen = unseen
        self.told = self._all_told()
        if changed:
            self.book = Book(self._good.values())
        return changed

    def _all_told(self) -> list[str]:
        return [line for file in self._files.values() for line in file.told]

    def _read(self, name: str, path: Path) -> bool:
        """Read a file again if it has other bytes; return whether it has."""
        before = self._files.get(name)
        if before is not None and _bytes_of(path) == before.content:
            return False  # looked at each ten seconds: only what is new is parsed
        new = read_file(name, path)
        self._files[name] = new
        if new.workflow:
            self._good[name] = new.workflow
        return True


def _is_seen(name: str, found: Container[str]) -> bool:
    """Whether a file was found, or a folder of it that could not be listed."""
    return name in found or any(it.as_posix() in found for it in Path(name).parents)
