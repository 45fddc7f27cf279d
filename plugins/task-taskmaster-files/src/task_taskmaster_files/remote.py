"""Lists folders of any storage that fsspec knows."""

from collections.abc import Container, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from fsspec import available_protocols, get_filesystem_class
from fsspec.core import url_to_fs
from task_rules.names import nearest

from task_core.api import OptionError
from task_taskmaster_files.file import File
from task_taskmaster_files.listing import Folder
from task_taskmaster_files.names import Names, State
from task_taskmaster_files.pattern import Place

_USUAL = ("s3", "gs", "az", "sftp", "http")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
_VERSIONS = ("generation", "VersionId", "ETag", "etag", "e_tag")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modify", "created")
_SUMS = ("md5Hash", "content_md5", "md5", "ETag", "etag", "checksum")


Facts = Mapping[str, Any]
"""What a storage tells of a file."""


class RemoteLister:
    """Lists by `ls`, folder by folder, past all caches.

    Args:
        url: Any URL of the storage.
        settings: What fsspec takes to open it, beside its own configuration.

    Raises:
        OptionError: Nothing that is installed knows such URLs.
    """

    def __init__(self, url: str, settings: Mapping[str, Any]) -> None:
        protocol = url.partition("://")[0]
        try:
            self._storage, _ = url_to_fs(
                url, **{"use_listings_cache": False, **settings}
            )
        except (ImportError, ValueError) as error:
            raise OptionError([_missing(protocol, error)]) from None
        except Exception as error:  # noqa: BLE001  some connect, each with its errors
            reason = f"{protocol}:// cannot be reached: {_line(error)}"
            raise OptionError([reason]) from None

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
        self._storage.invalidate_cache()
        todo = [(place.root, names.start)]
        while todo:
            path, state = todo.pop()
            folder = Folder(path)
            try:
                found = self._list(path)
            except FileNotFoundError:
                folder.missing = True
                yield folder
                continue
            except Exception as error:  # noqa: BLE001  each storage has its own errors
                folder.error = f"cannot list {path}: {_line(error)}"
                yield folder
                continue
            todo += _below(path, found, names, state)
            _look(folder, found, names, state, known, marks=marks)
            if times:
                folder.times = {name: time_of(facts) for name, facts in found.items()}
            yield folder

    def file(
        self,
        folder: str,
        name: str,
        facts: Facts,
        moment: datetime | None,
    ) -> File:
        """Return a file that a scan has found fresh."""
        size = facts.get("size")
        return File(
            path=f"{folder}/{name}",
            version=version_of(facts),
            size=int(size) if size is not None else None,
            checksum=str(_first(facts, _SUMS) or "").strip('"'),
            created=time_of(facts),
            moment=moment,
        )

    def mark(self, path: str, version: str) -> int:
        """Return the mark of a file that was told in an earlier process."""
        folder, _, name = path.rpartition("/")
        return hash((folder, name, version))

    def _list(self, url: str) -> dict[str, Facts]:
        """Return what is in a folder, by name; the folder itself is not."""
        path = self._storage._strip_protocol(url)
        found = {}
        for facts in self._storage.ls(path, detail=True):
            whole = str(facts["name"])
            name = whole.rstrip("/").rpartition("/")[2]
            is_itself = whole.strip("/") == str(path).strip("/")
            is_placeholder = whole.endswith("/") and facts.get("type") != "directory"
            if name and not is_itself and not is_placeholder:
                found[name] = facts
        return found


def _below(
    path: str, found: Mapping[str, Facts], names: Names, state: State
) -> Iterator[tuple[str, State]]:
    for name, facts in found.items():
        if _is_folder(facts) and (inner := names.enter(state, name)):
            yield f"{path}/{name}", inner


def _look(
    folder: Folder,
    found: Mapping[str, Facts],
    names: Names,
    state: State,
    known: Container[int],
    *,
    marks: bool,
) -> None:
    """Fill in what is fresh."""
    is_meant = names.files(state)
    for name, facts in found.items():
        if _is_folder(facts) or not is_meant(name):
            continue
        mark = hash((folder.path, name, version_of(facts)))
        folder.count += 1
        if mark not in known:
            folder.fresh.append((mark, name, facts))
        if marks:
            folder.marks.append(mark)


def _is_folder(facts: Facts) -> bool:
    return bool(facts.get("type") == "directory")


def version_of(facts: Facts) -> str:
    """Return the version that a storage tells: etag, generation, or size and time."""
    told = _first(facts, _VERSIONS)
    if told:
        return str(told).strip('"')
    time = _first(facts, _TIMES)
    text = time.isoformat() if isinstance(time, datetime) else time
    return f"{facts.get('size')}-{text or ''}"


def time_of(facts: Facts) -> datetime | None:
    """Return when a file was written, by the storage's clock."""
    value = _first(facts, _TIMES)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return None if value is None else datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _first(facts: Facts, keys: tuple[str, ...]) -> Any:
    return next((facts[key] for key in keys if facts.get(key)), None)


def unusable_storage(protocol: str) -> str:
    """Return why no URL of a storage can be listed here; nothing when it can be.

    Nothing is opened: what it needs is imported, and that is all.
    """
    try:
        get_filesystem_class(protocol)
    except (ImportError, ValueError) as error:
        return _missing(protocol, error)
    return ""


def _unknown(protocol: str) -> str:
    """Return what is wrong with the name of a storage; nothing when there is one."""
    known = available_protocols()
    if protocol in known:
        return ""
    hint = nearest(protocol, known) or f": it knows {', '.join(_USUAL)} and others"
    return f"{protocol}:// cannot be listed: fsspec knows no such storage{hint}"


def _missing(protocol: str, error: Exception) -> str:
    if unknown := _unknown(protocol):
        return unknown
    text = f"{protocol}:// cannot be listed: {_line(error)}"
    if extra := _EXTRAS.get(protocol):
        text = f"{text}: pip install 'task-taskmaster-files[{extra}]'"
    return text


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
