"""Waits for whatever child processes say, for their ends, and for a bell."""

import selectors

from task_core.api.waker import Waker
from task_core.launcher.processes.process import Process

MOST_WAIT = 0.5
"""Seconds after which to look for ends, where the system does not tell of them."""


class Polls:
    """One selector for all children of a launcher.

    Args:
        waker: Ends a wait.
    """

    def __init__(self, waker: Waker) -> None:
        self._waker = waker
        self._selector = selectors.DefaultSelector()
        self._selector.register(waker, selectors.EVENT_READ)
        self._writing: set[Process] = set()

    def add(self, process: Process) -> None:
        """Watch one more."""
        self._selector.register(process.channel, selectors.EVENT_READ, process)
        if process.pidfd is not None:
            self._selector.register(process.pidfd, selectors.EVENT_READ, process)

    def mute(self, process: Process) -> None:
        """Watch for its end alone: it says nothing any more."""
        self._writing.discard(process)
        if process.channel in self._selector.get_map():
            self._selector.unregister(process.channel)

    def remove(self, process: Process) -> None:
        """Watch it no more."""
        self.mute(process)
        if process.pidfd is not None and process.pidfd in self._selector.get_map():
            self._selector.unregister(process.pidfd)

    def wait(self, seconds: float, processes: list[Process]) -> list[Process]:
        """Return those that have said something, or ended.

        Args:
            seconds: How long to wait at most.
            processes: All of them.
        """
        for process in processes:
            self._watch_writing(process)
        if any(process.pidfd is None for process in processes):
            seconds = min(seconds, MOST_WAIT)
        found: dict[Process, None] = {}
        for key, events in self._selector.select(seconds):
            if key.data is None:
                self._waker.wait(0.0)  # silences it
                continue
            if events & selectors.EVENT_WRITE:
                key.data.flush()
            if events & selectors.EVENT_READ:
                found[key.data] = None
                key.data.gone |= key.fd == key.data.pidfd
        for process in processes:
            if process.pidfd is None and process.ended:
                found[process], process.gone = None, True
        return [*found]

    def close(self) -> None:
        """Free it."""
        self._selector.close()

    def _watch_writing(self, process: Process) -> None:
        wants = process.wants_to_send and not process.silent
        if wants == (process in self._writing):
            return
        (self._writing.add if wants else self._writing.discard)(process)
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wants else 0)
        self._selector.modify(process.channel, events, process)
