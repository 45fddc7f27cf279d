"""What must outlive the process: one file that is only ever appended to.

Every record is written to the operating system before its command is answered, so a
killed process loses nothing; nothing is synced, so a machine that loses power may.
"""

import fcntl
import marshal
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


class Journal:
    """Appends records; they are on their way to the disk after `flush`.

    Args:
        folder: where the file is kept.

    Raises:
        OSError: the folder cannot be used, or another one uses it.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._path = folder / "nsqd-stand-in.journal"
        self._pending: list[bytes] = []
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, what: str, *about: Any) -> None:
        """Record what happened; `replay` gives it back as it is."""
        self._pending.append(marshal.dumps((what, *about)))

    def flush(self) -> None:
        """Hand the records to the operating system."""
        if self._pending:
            data = memoryview(b"".join(self._pending))
            self._pending.clear()
            while data:
                data = data[os.write(self._file, data) :]

    def replay(self) -> Iterator[tuple[Any, ...]]:
        """Yield the records; a last one that is cut off is left out."""
        with open(self._path, "rb") as file:
            while True:
                try:
                    yield marshal.load(file)
                except (EOFError, ValueError, TypeError):
                    return

    def rewrite(self, records: Iterable[tuple[Any, ...]]) -> None:
        """Put other records in the place of all that there are."""
        self._pending = [marshal.dumps(record) for record in records]
        new = self._path.with_suffix(".new")
        os.close(self._file)
        self._file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.flush()
        os.replace(new, self._path)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)
        os.close(self._lock)
