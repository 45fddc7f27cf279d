"""Time as one object, so that tests can own it."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the framework asks of time. `task_testing.FakeClock` is another one."""

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""

    def stamp(self) -> str:
        """Return now as the wire writes it: RFC 3339, UTC, whole seconds."""

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

    def __init__(self) -> None:
        self._now = (-1, "")  # one tuple, so that threads never see half of it

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def stamp(self) -> str:
        """Return now as the wire writes it; formatted once a second at most."""
        second = int(time.time())
        cached, text = self._now
        if second != cached:
            text = format_stamp(second)
            self._now = (second, text)
        return text

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, at most so long; return whether it is set."""
        return event.wait(seconds)
