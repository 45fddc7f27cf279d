"""One switch that tells every run to stop early."""

import threading
from collections.abc import Callable


class Cancel:
    """Set once by the launcher, looked at by workers through their context."""

    def __init__(self) -> None:
        self.requested = False
        self._event = threading.Event()
        self._listeners: list[Callable[[], None]] = []

    def request(self) -> None:
        """Tell every run to stop early; may be repeated."""
        self.requested = True
        self._event.set()
        for listener in self._listeners:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a function, in the thread that requests, when it is requested."""
        self._listeners.append(listener)

    def wait(self, seconds: float) -> bool:
        """Sleep; return True when requested, at once in that case."""
        return self._event.wait(seconds)
