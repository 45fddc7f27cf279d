"""Ids of tasks: UUIDs of version 7, which sort by their time.

An index of ids in the order of time is several times cheaper to write than one of ids
in no order, and whoever sorts by id sees what came first.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

_LAST_GROUP = (1 << 48) - 1
_VARIANT = 1 << 63


class Ids:
    """Makes ids, each greater than those before it, whatever becomes of the clock.

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
        number = next(numbers)
        return f"{start}{number >> 48:04x}-{number & _LAST_GROUP:012x}"

    def _begin(self, now: int) -> tuple[str, Iterator[int]]:
        """Return how ids of a millisecond start, and the numbers that they end with."""
        with self._lock:
            latest, start, numbers = self._state
            if now > latest:
                bits = int.from_bytes(os.urandom(10))
                start = f"{now >> 16:08x}-{now & 0xFFFF:04x}-7{bits & 0xFFF:03x}-"
                numbers = count(_VARIANT | bits >> 19)  # 61 of the 62 bits: it may grow
                self._state = (now, start, numbers)
            return start, numbers


_ids = Ids()
new_id = _ids.new
"""Returns a new id: 36 characters."""
os.register_at_fork(after_in_child=_ids.forget)
