"""Sends what was gathered and left, a moment later; and signs of life."""

import threading
from collections.abc import Callable
from time import monotonic, sleep

TICK = 0.01
"""Seconds after which nothing that was gathered is left."""


class FlushTimer:
    """Flushes about `TICK` after each reminder, in a thread of its own.

    Most often the next receive comes before it, and takes along what was gathered:
    one write less, and the nsqd wakes up once. The thread sleeps while nobody calls,
    but for heartbeats: an nsqd hangs up when it hears nothing for two of them, however
    long all slots are busy and nobody receives.

    Args:
        flush: Sends what is left, and a sign of life if told so; never raises.
        heartbeat: Seconds between two signs of life.
    """

    def __init__(self, flush: Callable[[bool], None], heartbeat: float) -> None:
        self._flush = flush
        self._heartbeat = heartbeat
        self._reminders = 0
        self._asleep = False
        self._stopped = False
        self._bell = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nsq-flush", daemon=True)
        self._thread.start()

    def remind(self) -> None:
        """Say that something was gathered (who has the bus)."""
        self._reminders += 1  # first this, then look: the other does it the other way
        if self._asleep:
            self._bell.set()

    def stop(self) -> None:
        """End, and wait for the end: it may be sending."""
        self._stopped = True
        self._bell.set()
        self._thread.join()

    def _run(self) -> None:
        seen, beat_at = 0, monotonic() + self._heartbeat
        while not self._stopped:
            self._asleep = True
            if seen == self._reminders:
                self._bell.wait(max(0.0, beat_at - monotonic()))
            self._asleep = False
            self._bell.clear()
            if seen != self._reminders:
                seen = self._reminders
                sleep(TICK)
            is_due = monotonic() >= beat_at
            if is_due:
                beat_at = monotonic() + self._heartbeat
            self._flush(is_due)
