"""The connection of a store: one in each process, and none when the store is gone."""

import os
import weakref
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """A connection."""

    def close(self) -> None:
        """Close it; may be repeated."""


C = TypeVar("C", bound=Closable)


class Holder(Generic[C]):
    """Holds the connection of a store. One thread at a time may use it.

    Args:
        store: With it the connection goes, too: a client of a program tells no end.
        make: Connects; it must not hold the store.
    """

    def __init__(self, store: object, make: Callable[[], C]) -> None:
        self._make = make
        self._pid = 0
        self._abandoned: list[C] = []  # of a parent process: never to be used
        self.held: C | None = None
        """The connection, if there is one."""
        weakref.finalize(store, self.close)

    def get(self) -> C:
        """Return the connection; it is made where this process has none."""
        if self._pid != os.getpid():
            self._abandon()
        if self.held is None:
            self.held, self._pid = self._make(), os.getpid()
        return self.held

    def close(self) -> None:
        """Close the connection; the next call makes another one."""
        if self._pid != os.getpid():
            self._abandon()
        held, self.held = self.held, None
        if held is not None:
            held.close()

    def _abandon(self) -> None:
        if self.held is not None:
            self._abandoned.append(self.held)
        self.held = None
