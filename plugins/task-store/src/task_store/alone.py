"""Being the only one to do something: a row with a heartbeat."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import attrs
from sqlalchemy import ColumnElement, Connection, delete, select, update

from task_store.database import Database
from task_store.errors import InUseError, StoreError
from task_store.tables import ALONE

BEAT = 5.0
"""Seconds between two signs of life."""
SILENCE = 15.0
"""Seconds without one after which the place is free."""


@attrs.frozen
class Holder:
    """Who has a name.

    Args:
        owner, place, pid: Which process it is, and where.
        beat: Its last sign of life.
    """

    owner: str
    place: str
    pid: int
    beat: float

    @property
    def host(self) -> str:
        """The machine that it is on."""
        return self.place.partition(" ")[0]

    @property
    def is_dead(self) -> bool:
        """Whether it was a process of this machine that is gone."""
        if self.place != _place():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


class Alone:
    """Holds a name, until `leave`; see `Store.alone`.

    Args:
        database: Where the row is.
        name: What there must be one of.
        beat, silence: Seconds between signs of life, and without any.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        beat: float = BEAT,
        silence: float = SILENCE,
    ) -> None:
        self.lost = False
        self._database = database
        self._name = name
        self._beat = beat
        self._silence = silence
        self._left = threading.Event()
        self._thread = threading.Thread(
            target=self._go_on, name=f"alone {name}", daemon=True
        )

    def enter(self) -> None:
        """Take the name; wait for the silence of one that may have been killed.

        Raises:
            InUseError: Another instance gives signs of life.
        """
        first = self._try()
        if first is not None:
            self._outwait(first)
        self._thread.start()

    def check(self) -> None:
        """Raise when another instance has taken over: this one was silent for too long.

        Raises:
            InUseError: It has.
        """
        if self.lost:
            text = "was silent for too long, and another instance has taken its place"
            raise InUseError(f"{self._database.place.name}: '{self._name}' {text}")

    def leave(self) -> None:
        """Give the name back."""
        self._left.set()
        if self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(StoreError), self._database.writing() as connection:
            connection.execute(delete(ALONE).where(self._ours))

    def _try(self) -> Holder | None:
        """Take the name if it is free; return who has it else."""
        database = self._database
        row = {
            "owner": database.owner,
            "place": _place(),
            "pid": os.getpid(),
            "since": database.now,
            "beat": database.now,
        }
        silent = ALONE.c.beat < database.now - self._silence
        taken = (
            database.insert(ALONE)
            .values(name=self._name, **row)
            .on_conflict_do_update(
                index_elements=[ALONE.c.name], set_=row, where=silent
            )
            .returning(ALONE.c.name)
        )
        with database.writing() as connection:
            holder = self._holder(connection)
            if holder is not None and holder.is_dead:
                its = (ALONE.c.name == self._name) & (ALONE.c.owner == holder.owner)
                connection.execute(delete(ALONE).where(its))
            if connection.execute(taken).first():
                return None
            # Whoever came between the look and the insert is there by now.
            return holder or self._holder(connection)

    def _holder(self, connection: Connection) -> Holder | None:
        columns = (ALONE.c.owner, ALONE.c.place, ALONE.c.pid, ALONE.c.beat)
        look = select(*columns).where(ALONE.c.name == self._name)
        row = connection.execute(look).first()
        return Holder(*row) if row else None

    def _outwait(self, first: Holder) -> None:
        """Wait until its silence is too long; it may have been killed a moment ago."""
        end = time.monotonic() + self._silence + self._beat
        while time.monotonic() < end:
            self._left.wait(self._beat / 4)
            now = self._try()
            if now is None:
                return
            if now != first:
                break
        raise InUseError(
            f"{self._database.place.name}: '{self._name}' is at work already, process"
            f" {first.pid} on {first.host}: end it, or give both one store"
        )

    def _go_on(self) -> None:
        while not self._left.wait(self._beat):
            with contextlib.suppress(StoreError):  # away: others cannot take it either
                self._tell()

    def _tell(self) -> None:
        beat = update(ALONE).where(self._ours).values(beat=self._database.now)
        with self._database.writing() as connection:
            self.lost = not connection.execute(beat).rowcount

    @property
    def _ours(self) -> ColumnElement[bool]:
        return (ALONE.c.name == self._name) & (ALONE.c.owner == self._database.owner)


@contextlib.contextmanager
def held(alone: Alone) -> Iterator[Alone]:
    """`with` it: the name is ours inside."""
    alone.enter()
    try:
        yield alone
    finally:
        alone.leave()


@cache
def _place() -> str:
    """Return this machine, since its start: only there a process can be looked for.

    Containers may share its name, but not its processes.
    """
    words = [socket.gethostname()]
    with contextlib.suppress(OSError):
        words.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        words.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(words)
