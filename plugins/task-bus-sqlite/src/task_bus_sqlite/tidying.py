"""What whoever uses a database does for it now and then: there is no server."""

import contextlib
from time import monotonic

from task_bus_sqlite.channels import Channels
from task_bus_sqlite.errors import LockedError
from task_bus_sqlite.file import SqliteFile, Transaction
from task_bus_sqlite.retention import Retention
from task_core.api import BusError

EVERY = 1.0
"""Seconds between two rounds, at least."""
TURN = 0.05
"""Seconds that it waits for the lock; who comes later has the next turn."""
FREE = 512
"""Free pages that may always stay: they are used again soon."""
STEP = 2048
"""Pages that go back to the system in one round, so that others get their turn."""
LAST = 0.5
"""Seconds that a last round may take: others may be waiting for the end."""


class Tidying:
    """Deletes what nobody wants any more, and makes the file smaller.

    Args:
        file: Where.
        channels: For those that are temporary.
        retention: For messages that were kept for long enough.
    """

    def __init__(
        self, file: SqliteFile, channels: Channels, retention: Retention
    ) -> None:
        self._file = file
        self._channels = channels
        self._retention = retention
        self._turn = Transaction(file, TURN)
        self._next = 0.0

    def due(self) -> bool:
        """Whether it is time for a round; the next one is then a while away."""
        now = monotonic()
        if now < self._next:
            return False
        self._next = now + EVERY
        return True

    def run(self) -> None:
        """Do one round; nothing of it while another program holds the file locked."""
        self._file.check()
        with contextlib.suppress(LockedError):
            self._channels.sweep(self._turn)
            self._retention.sweep(self._turn)
            self._shrink()

    def finish(self) -> None:
        """Make the file smaller before the end: nobody may come for long."""
        end = monotonic() + LAST
        with contextlib.suppress(BusError):
            while self._shrink() and monotonic() < end:
                pass

    def _shrink(self) -> bool:
        """Give back what is free, when that is most of the file; say if it was."""
        free = self._file.read("PRAGMA freelist_count")[0]
        if free <= FREE or free * 2 <= self._file.read("PRAGMA page_count")[0]:
            return False
        self._file.shrink(STEP)
        return True
