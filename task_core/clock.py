"""Time as one object, so that tests can own it; and ids that sort by their time."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Protocol


class Clock(Protocol):
    """What the framework asks of time. `task_testing.FakeClock` is another one."""

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""

    def stamp(self) -> str:
        """Return now as the wire writes it: RFC 3339, UTC, whole seconds."""

    def second(self) -> tuple[str, float]:
        """Return the same, and until when it is true: a moment of `monotonic`."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, at most so long; return whether it is set."""


def format_stamp(seconds: float) -> str:
    """Write a moment as the wire does.

    Args:
        seconds: Since 1970-01-01 UTC; fractions are cut off.

    Example:
        >>> format_stamp(0)
        '1970-01-01T00:00:00Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(seconds)))


class SystemClock:
    """The machine's own clock."""

    monotonic = staticmethod(time.monotonic)  # as it is: each task asks twice

    def __init__(self) -> None:
        # Begin, end, text; one tuple, so that threads never see half of it.
        self._now = (0.0, 0.0, "")

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return time.time()

    def stamp(self) -> str:
        """Return now as the wire writes it; formatted once a second at most."""
        now = time.time()
        begin, end, text = self._now
        if not begin <= now < end:
            second = int(now)
            text = format_stamp(second)
            self._now = (second, second + 1, text)
        return text

    def second(self) -> tuple[str, float]:
        """Return the same, and until when it is true if nobody sets the clock."""
        return self.stamp(), time.monotonic() + 1 - time.time() % 1

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, at most so long; return whether it is set."""
        return event.wait(seconds)


class Ids:
    """Makes ids, each greater than those before it: UUIDs of version 7.

    An index of ids in the order of time is several times cheaper to write than one of
    ids in no order. When the clock is set back, they stay at its latest time.

    Each millisecond begins at a random number, of 73 bits, and counts on from there: so
    only its first id takes a lock.

    Args:
        clock: Tells nanoseconds since 1970-01-01 UTC.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Begin anew: what a process and its fork have in common must not go on."""
        self._lock = threading.Lock()  # who held it may be no more
        self._state: tuple[int, str, Iterator[int]] = (0, "", count())

    def new(self) -> str:
        """Return a new id."""
        latest, start, numbers = self._state
        now = self._clock() // 1_000_000
        if now > latest:
            start, numbers = self._begin(now)
        return f"{start}{next(numbers):012x}"

    def _begin(self, now: int) -> tuple[str, Iterator[int]]:
        """Return how ids of a millisecond start, and the numbers that they end with."""
        with self._lock:
            latest, start, numbers = self._state
            if now > latest:
                bits = int.from_bytes(os.urandom(10))
                version, variant = 0x7000 | bits & 0xFFF, 0x8000 | bits >> 12 & 0x3FFF
                start = f"{now >> 16:08x}-{now & 0xFFFF:04x}-{version:x}-{variant:x}-"
                numbers = count(bits >> 33)  # 47 of the 48 bits: it may grow
                self._state = (now, start, numbers)
            return start, numbers


_ids = Ids()
new_id = _ids.new
"""Returns a new id: 36 characters."""
os.register_at_fork(after_in_child=_ids.forget)
