"""The state file: how far each rule is done, kept over restarts."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from task_core.api import OptionError
from task_taskmaster_cron.progress import Progress

VERSION = 1
ADVICE = "restore it, or remove it to begin anew from now"


class StateFile:
    """The file; replaced as a whole, so that a crash leaves the old or the new one.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._real = Path(os.path.realpath(path))  # a link stays one

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from using it: they would send everything twice.

        Raises:
            OptionError: Another one uses it, or no lock can be made beside it.
        """
        lock = self._real.with_name(f"{self._real.name}.lock")
        try:
            file = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except OSError as error:
            text = f"cannot write {self}: {error.strerror}: choose another place"
            raise OptionError([text]) from None
        try:
            self._take(file)
            yield
        finally:
            os.close(file)

    def _take(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = f"{self} is in use by another taskmaster cron: end it, or give both"
            raise OptionError([f"{text} one store (option store)"]) from None
        except OSError:  # some network file systems know no locks
            return

    def load(self) -> dict[str, datetime]:
        """Return how far each rule is done, by its key; nothing without a file.

        Raises:
            OptionError: It cannot be read, or something else wrote it.
        """
        try:
            data = json.loads(self._real.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise OptionError([f"cannot read {self}: {error.strerror}"]) from None
        except (ValueError, RecursionError):  # no JSON, no UTF-8, or a heap of "["
            raise OptionError([f"{self} is damaged: {ADVICE}"]) from None
        try:
            return _moments(data)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            text = f"{self} is not what this program wrote ({error!r}): {ADVICE}"
            raise OptionError([text]) from None

    def save(self, progress: Iterable[Progress]) -> None:
        """Write how far the rules are done; on the disk when the call returns.

        Raises:
            OSError: It cannot be written; the old one is as it was.
        """
        rules = {
            each.key: {"rule": each.name, "done": _text(each.done)} for each in progress
        }
        new = self._real.with_name(f"{self._real.name}.new")
        with open(new, "w", encoding="utf-8") as file:
            json.dump({"version": VERSION, "rules": rules}, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._real)
        _sync_folder(self._real.parent)

    def __str__(self) -> str:
        return f"state {self.path}"


def _moments(data: Mapping[str, Any]) -> dict[str, datetime]:
    if data["version"] != VERSION:
        raise ValueError(f"version {data['version']}")
    return {key: _moment(entry["done"]) for key, entry in data["rules"].items()}


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.utcoffset() is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _sync_folder(folder: Path) -> None:
    """Make the new name of a file survive a failing power, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
