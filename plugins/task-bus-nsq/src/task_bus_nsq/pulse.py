"""Sends what was gathered and left, a moment later."""

import threading
from collections.abc import Callable
from time import sleep

TICK = 0.01
"""Seconds after which nothing that was gathered is left."""


class Pulse:
    """Calls something about `TICK` after each reminder, in a thread of its own.

    Most often the next receive comes before it, and takes along what was gathered:
    one write less, and the nsqd wakes up once. The thread sleeps while nobody calls.

    Args:
        send: Sends what is left, if there is something; never raises.
    """

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self._reminders = 0
        self._asleep = False
        self._stopped = False
        self._bell = threading.Event()
        self._thread: threading.Thread | None = None

    def remind(self) -> None:
        """Say that something was gathered (bus thread)."""
        self._reminders += 1  # first this, then look: the other does it the other way
        if self._asleep:
            self._bell.set()
        elif self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="nsq-pulse", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end: it may be sending."""
        self._stopped = True
        self._bell.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        seen = 0
        while not self._stopped:
            self._asleep = True
            if seen == self._reminders:
                self._bell.wait()
            self._asleep = False
            self._bell.clear()
            seen = self._reminders
            sleep(TICK)
            self._send()
