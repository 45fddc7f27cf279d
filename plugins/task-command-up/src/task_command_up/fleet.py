"""All the processes: one thread reads, starts again, stops."""

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any

from task_command_up.child import NEVER_WORKS, Child

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
INTERRUPTED = 130
"""Exit code after an interrupt or a second signal."""


class Fleet:
    """Keeps processes running until all have ended for good, or a signal comes.

    Args:
        children: The processes.
        tell: Told what happens.
    """

    def __init__(
        self, children: Sequence[Child], tell: Callable[[str], object]
    ) -> None:
        self._children = children
        self._tell = tell
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []
        self._stopping = False
        self._never_works = 0

    def run(self) -> int:
        """Run; return the exit code."""
        leash, held = os.pipe()  # nobody writes to it; its end is ours
        try:
            with _signals() as bell:
                self._selector.register(bell, selectors.EVENT_READ)
                while not all(child.ended for child in self._children):
                    self._turn(leash, bell)
        finally:
            for child in self._children:
                child.kill()
            self._selector.close()
            os.close(leash)
            os.close(held)
        return self._code()

    def _turn(self, leash: int, bell: int) -> None:
        """Do what is due, then wait for what happens next."""
        now = time.monotonic()
        for child in self._children:
            if child.moment <= now:
                self._due(child, leash)
        first = min(child.moment for child in self._children)
        pause = None if first == inf else max(0.0, first - time.monotonic())
        for key, _ in self._selector.select(pause):
            if key.fd == bell:
                self._heard(os.read(bell, 4096))
            else:
                self._read(key.data)
        for child in self._children:
            if child.has_ended():
                self._ended(child)

    def _due(self, child: Child, leash: int) -> None:
        if child.runs:
            child.kill()  # it was told to stop, and has not
            return
        child.start(leash)
        self._selector.register(child.output, selectors.EVENT_READ, child)

    def _heard(self, signals: bytes) -> None:
        stops = [number for number in signals if number in STOPS]
        self._signals += stops
        if self._stopping and stops:
            for child in self._children:
                child.kill()
        elif stops:
            self._tell(f"{signal.Signals(stops[0]).name}: stopping; once more: at once")
            self._stop()

    def _stop(self) -> None:
        self._stopping = True
        for child in self._children:
            if not child.ended:
                child.stop()

    def _read(self, child: Child) -> None:
        if not child.read():  # closed; that it ended comes as a signal
            self._selector.unregister(child.output)

    def _ended(self, child: Child) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.output)
        child.reap(stopping=self._stopping)
        if child.code in NEVER_WORKS and not self._stopping:
            self._never_works = child.code or 0
            self._tell(f"{child.name} can never work: stopping")
            self._stop()

    def _code(self) -> int:
        if signal.SIGINT in self._signals or len(self._signals) > 1:
            return INTERRUPTED
        if self._signals or self._never_works:
            return self._never_works
        return int(any(child.code for child in self._children))


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """Have signals come as bytes; yield where they are read."""
    bell, ring = os.pipe()
    os.set_blocking(ring, False)
    os.set_blocking(bell, False)
    numbers = (*STOPS, signal.SIGCHLD)
    before: dict[signal.Signals, Any] = {
        number: signal.signal(number, _heard) for number in numbers
    }
    wakeup = signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    try:
        yield bell
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(bell)
        os.close(ring)


def _heard(number: int, frame: object) -> None:
    """Let the signal come through the pipe alone."""
