"""Signals, and other news, as bytes that one thread waits for."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

CHANGE = 0
"""The byte that tells of something that is no signal."""


@attrs.frozen(eq=False)
class Bell:
    """Where news is read, and rung.

    Args:
        ear: Descriptor to read.
        ring: Descriptor to write to.
    """

    ear: int
    ring: int

    def hear(self) -> bytes:
        """Return what has come: numbers of signals, and `CHANGE`."""
        return os.read(self.ear, 4096)

    def change(self) -> None:
        """Tell of something that is no signal (any thread)."""
        with contextlib.suppress(OSError):  # full: it is told of already
            os.write(self.ring, bytes([CHANGE]))


@contextlib.contextmanager
def heard(stops: Sequence[int]) -> Iterator[Bell]:
    """Have signals, and the ends of children, come as bytes, and not act otherwise.

    Args:
        stops: Which; what was started with nohup keeps ignoring.
    """
    ear, ring = os.pipe()
    os.set_blocking(ring, False)
    os.set_blocking(ear, False)
    numbers = [n for n in stops if signal.getsignal(n) is not signal.SIG_IGN]
    before: dict[int, Any] = {
        number: signal.signal(number, _leave_it)
        for number in (*numbers, signal.SIGCHLD)
    }
    wakeup = signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    try:
        yield Bell(ear, ring)
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(ear)
        os.close(ring)


def _leave_it(number: int, frame: object) -> None:
    """Let the signal come through the pipe alone."""
