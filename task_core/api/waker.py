"""Waiting, with or without a descriptor, in a way that other threads can end."""

import contextlib
import os
import select
import threading
from enum import Enum


class Event(Enum):
    """Why a wait ended."""

    READY = "ready"
    WOKEN = "woken"
    LATE = "late"


class Waker:
    """Lets one thread wait, and any other end that wait; `Consumer._waker` is one.

    `wake` may come from a signal handler: the lock can be taken again by its thread.

    Example:
        >>> waker = Waker()
        >>> waker.wake()
        >>> waker.wait(60)
        <Event.WOKEN: 'woken'>
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

    def wait(self, seconds: float, fd: int | None = None) -> Event:
        """Wait until a descriptor can be read, `wake`, or the time is over.

        Args:
            seconds: How long; nothing below 0 is waited.
            fd: What to watch besides; regular files are always ready.
        """
        if fd != self._watched:
            self._watch(fd)
        found = self._poll.poll(max(0.0, seconds) * 1000)
        if not found:
            return Event.LATE
        if len(found) > 1 or found[0][0] == self._ear:
            self._silence()
            return Event.WOKEN
        return Event.READY

    def wake(self) -> None:
        """End the wait, or the next one (any thread); nothing after `close`."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if not self._closed:
                os.write(self._bell, b"!")

    def fileno(self) -> int:
        """Return a descriptor that is readable once woken, for selectors of clients."""
        return self._ear

    def close(self) -> None:
        """Free the descriptors; may be repeated."""
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
