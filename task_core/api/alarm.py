"""Waiting for a descriptor in a way that other threads can end."""

import contextlib
import os
import select
import threading
from enum import Enum


class Event(Enum):
    """Why a wait ended."""

    READY = "ready"
    RUNG = "rung"
    LATE = "late"


class Alarm:
    """Lets one thread wait for input, and any other end that wait.

    `ring` may come from a signal handler: the lock can be taken again by its thread.
    """

    def __init__(self) -> None:
        self._ear, self._bell = os.pipe()
        os.set_blocking(self._ear, False)
        os.set_blocking(self._bell, False)
        self._closed = False
        self._lock = threading.RLock()
        self._poll = select.poll()
        self._poll.register(self._ear, select.POLLIN)
        self._watched: int | None = None

    def wait(self, fd: int | None, seconds: float) -> Event:
        """Wait until a descriptor can be read, `ring`, or the time is over.

        Args:
            fd: What to watch besides the bell; regular files are always ready.
            seconds: How long; nothing below 0 is waited.
        """
        if fd != self._watched:
            self._watch(fd)
        found = self._poll.poll(max(0.0, seconds) * 1000)
        if not found:
            return Event.LATE
        if any(ready == self._ear for ready, _ in found):
            self._silence()
            return Event.RUNG
        return Event.READY

    def ring(self) -> None:
        """End the wait, or the next one (any thread); nothing after `close`."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if not self._closed:
                os.write(self._bell, b"!")

    def close(self) -> None:
        """Free the bell; may be repeated."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._ear)
                os.close(self._bell)

    def _watch(self, fd: int | None) -> None:
        if self._watched is not None:
            self._poll.unregister(self._watched)
        if fd is not None:
            self._poll.register(fd, select.POLLIN)
        self._watched = fd

    def _silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._ear, 4096):
                pass
