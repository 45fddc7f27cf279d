"""A line now and then that counts what launchers have done."""

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta

from task_core.launcher.launcher import Launcher
from task_core.launcher.stats import Stats
from task_core.values import format_duration

log = logging.getLogger("task")


class Counting:
    """Counts what was done since it looked last.

    Args:
        launchers: Who does it.
        interval: Seconds between two looks.
    """

    def __init__(self, launchers: Sequence[Launcher], interval: float) -> None:
        self._launchers = launchers
        self._interval = interval
        self._before: Stats | None = None

    def run(self, over: threading.Event) -> None:
        """Write a line for each interval that had work, until it is over."""
        while True:
            if line := self.line():
                log.info("%s", line)
            if over.wait(self._interval):
                return

    def line(self) -> str:
        """Return what was done since the last one; nothing if there was no work."""
        now = Stats.total([one.stats for one in self._launchers])
        held = sum(one.running for one in self._launchers)
        done = now.since(self._before) if self._before else now
        self._before = now
        if not (done.received or done.finished or held):
            return ""
        time = format_duration(timedelta(seconds=self._interval))
        return f"{', '.join(done.words())} in the last {time}; {held:,} in work"
