"""Lists of the files of a group, one JSON object a line, for a worker to read."""

import os
import re
from collections.abc import Mapping, Sequence
from tempfile import TemporaryFile
from typing import Any

import fsspec
from fsspec.core import url_to_fs

from task_core.api import OptionError
from task_taskmaster_files.file import File
from task_taskmaster_files.keeping import line

LONGEST = 60
"""Characters of a type in the name of a list; names of files have an end."""
_ODD = re.compile(r"[^A-Za-z0-9_.-]")  # a folder, the query of a URL, of a task's info


class Manifests:
    """Writes them to a place. What stands for the same files has the same name.

    Args:
        place: A folder or a URL.
        storage: Protocol -> what fsspec takes to open it.
    """

    def __init__(self, place: str, storage: Mapping[str, Mapping[str, Any]]) -> None:
        protocol, there, _ = place.partition("://")
        self._is_local = not there
        self._settings = storage.get(protocol, {}) if there else {}
        self._place = os.path.abspath(place) if self._is_local else place.rstrip("/")

    def check(self) -> None:
        """Look whether lists can be written there, as far as that can be told.

        A storage of others is opened, and nothing is written to it.

        Raises:
            OptionError: They cannot.
        """
        try:
            if self._is_local:
                os.makedirs(self._place, exist_ok=True)
                with TemporaryFile(dir=self._place):
                    pass
            else:
                url_to_fs(self._place, **self._settings)
        except Exception as error:
            raise OptionError([_refusal(self._place, error)]) from error

    def write(self, kind: str, mark: str, files: Sequence[File]) -> str:
        """Write one as a whole, and return its path.

        Args:
            kind: What its name begins with, for people; any text.
            mark: What tells it from all others.
            files: What stands in it.

        Raises:
            OptionError: It cannot be written.
        """
        path = f"{self._place}/{_ODD.sub('_', kind)[:LONGEST]}-{mark}.jsonl"
        body = "".join(map(line, files)).encode()
        try:
            if self._is_local:
                self._write_file(path, body)
            else:
                with fsspec.open(path, "wb", **self._settings) as file:
                    file.write(body)
        except Exception as error:
            text = f"cannot write manifest {path}: {error}"
            raise OptionError([text]) from error
        return path

    def _write_file(self, path: str, body: bytes) -> None:
        os.makedirs(self._place, exist_ok=True)
        new = f"{path}.{os.getpid()}.new"
        with open(new, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)


def _refusal(place: str, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    text = f"manifests cannot be written to {place}: {' '.join(reason.split())}"
    return f"{text}: give another place with --taskmaster-manifests"
