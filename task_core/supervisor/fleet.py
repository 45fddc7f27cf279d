"""All the processes: one thread reads, starts again, renews, stops."""

import contextlib
import selectors
import signal
import threading
import time
from collections.abc import Callable, Sequence
from math import inf

from task_core.supervisor.child import Child
from task_core.supervisor.rolling import Rolling
from task_core.supervisor.signals import CHANGE, Bell, heard

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
INTERRUPTED = 130
"""Exit code after an interrupt or a second signal."""
STAGGER = 2.0
"""Seconds after which the next one starts, though the one before is not ready."""


class Fleet:
    """Keeps processes running until all have ended for good, or a signal comes.

    Args:
        children: The processes.
        tell: Told what happens.
        staggered: Whether each starts when the one before receives.
        rolls: Whether SIGHUP renews them, rather than to stop them.
        watch: Starts to watch their sources, and rings when these have changed: then
            they start anew.
        leashed: Whether a process above passes signals on, which systemd sends to all:
            two of one kind are one.
    """

    def __init__(
        self,
        children: Sequence[Child],
        tell: Callable[[str], object],
        *,
        staggered: bool = False,
        rolls: Callable[[], bool] = lambda: False,
        watch: Callable[[Callable[[], None]], None] | None = None,
        leashed: bool = False,
    ) -> None:
        self.began = threading.Event()
        """Set when one of them receives."""
        self.signals: list[int] = []
        """Those that came, and told them to stop."""
        self._children = [*children]
        self._tell = tell
        self._staggered = staggered
        self._rolls = rolls
        self._watch = watch
        self._leashed = leashed
        self._selector = selectors.DefaultSelector()
        self._rolling = Rolling(self._children, self._start, tell)
        self._stopping = False
        self._never_works = 0
        self._last: Child | None = None

    def run(self) -> int:
        """Run; return the exit code."""
        try:
            with heard(STOPS) as bell:
                self._selector.register(bell.ear, selectors.EVENT_READ)
                if self._watch is not None:
                    self._watch(bell.change)
                self._plan_starts()
                while not all(child.ended for child in self._all):
                    self._turn(bell)
        finally:
            for child in self._all:
                child.kill()
            self._selector.close()
        return self._code()

    def children(self) -> list[Child]:
        """Return those that have a place (any thread)."""
        return [*self._children]

    @property
    def _all(self) -> list[Child]:
        return [*self._children, *self._rolling.extra]

    def _plan_starts(self) -> None:
        now = time.monotonic()
        for number, child in enumerate(self._children):
            child.due = now if number == 0 or not self._staggered else inf

    def _turn(self, bell: Bell) -> None:
        """Do what is due, then wait for what happens next."""
        first = min(self._let_next_start(), *(self._due(one) for one in self._all))
        pause = None if first == inf else max(0.0, first - time.monotonic())
        for key, _ in self._selector.select(pause):
            if key.fd == bell.ear:
                self._heard(bell.hear())
            elif not key.data():  # closed; that it ended comes as a signal
                self._selector.unregister(key.fileobj)
        if any(child.ready for child in self._children):
            self.began.set()
        self._rolling.look()
        for child in self._all:
            if child.has_ended():
                self._ended(child)

    def _let_next_start(self) -> float:
        """Let the next one start when the one before is ready; return when to look."""
        waiting = [one for one in self._children if _waits(one)]
        if not waiting or self._last is None or self._stopping:
            return inf
        last = self._last
        moment = last.started + STAGGER
        if last.ready or time.monotonic() >= moment:
            waiting[0].due = time.monotonic()
        return moment

    def _due(self, child: Child) -> float:
        """Do what is due with one; return when something else is."""
        if child.moment <= time.monotonic():
            if child.runs:
                child.kill()  # it was told to stop, and has not
                return inf
            self._start(child)
        return child.moment

    def _start(self, child: Child) -> None:
        if not child.start():
            return
        self._last = child
        self._rolling.started(child)
        self._selector.register(child.output, selectors.EVENT_READ, child.read)
        self._selector.register(child.channel, selectors.EVENT_READ, child.hear)

    def _heard(self, news: bytes) -> None:
        if CHANGE in news and not self._stopping:
            for child in self._children:
                child.renew()
        for number in news:
            if number == signal.SIGHUP and not self._stopping and self._rolls():
                self._rolling.request()
            elif number in STOPS:
                self._told_to_stop(number)

    def _told_to_stop(self, number: int) -> None:
        if self._leashed and number in self.signals:
            return
        self.signals.append(number)
        if not self._stopping:
            name = signal.Signals(number).name
            self._tell(f"{name}: stopping; once more: at once")
            self._stop()
            return
        for child in self._all:
            (child.hurry if len(self.signals) == 2 else child.kill)()

    def _stop(self) -> None:
        self._stopping = True
        self._rolling.cancel()
        for child in self._all:
            if not child.ended:
                child.stop()

    def _ended(self, child: Child) -> None:
        for one in (child.output, child.channel):
            with contextlib.suppress(KeyError):
                self._selector.unregister(one)
        extra = child not in self._children
        child.reap(stopping=self._stopping or extra)
        if self._stopping:
            return
        if extra:
            self._rolling.ended(child)
        elif child.hopeless:
            self._despair_of(child)

    def _despair_of(self, child: Child) -> None:
        """Stop everything, or wait for a change in what cannot work as it is."""
        if self._watch is not None:
            child.ended, child.due = False, inf
            self._tell("waiting for a change")
            return
        self._never_works = child.code or 0
        self._tell(f"{child.name} can never work: stopping")
        self._stop()

    def _code(self) -> int:
        if signal.SIGINT in self.signals or len(self.signals) > 1:
            return INTERRUPTED
        if self.signals or self._never_works:
            return self._never_works
        return int(any(child.code for child in self._children))


def _waits(child: Child) -> bool:
    """Whether it was never started, and is not to be yet."""
    return child.due == inf and not child.started and not child.ended
