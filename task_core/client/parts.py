"""What the threads of a client share: who sends, who reads, and how they end."""

import atexit
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from weakref import WeakSet

from task_core.api.bus import Bus
from task_core.api.message import Message
from task_core.client.bus_thread import BusThread
from task_core.client.outbox import Outbox
from task_core.client.reading import Reading
from task_core.client.results import Results
from task_core.client.sent import MOMENT, Span, seconds_of
from task_core.discovery.claims import Claims
from task_core.errors import BusClosedError, FrameworkError
from task_core.task import Task

LAST_WORDS = 2.0
"""Seconds that closing may take, at the end of the program that of all clients."""
BEFORE_FORK = 2.0
"""Seconds that a fork waits at most for those who are sending."""


class Parts:
    """What the threads of a client share; each part is made when it is first needed.

    It does not know the client: who drops that without closing it leaves this behind,
    and its own thread closes it.

    Args:
        open_bus: Makes a bus; called by each thread that owns one.
        done_topic: Where calls look for done tasks.
        name: Of the bus, for messages.
        find_claims: Finds who remembers what was sent.
    """

    def __init__(
        self,
        open_bus: Callable[[], Bus],
        done_topic: str,
        name: str,
        find_claims: Callable[[], Claims],
    ) -> None:
        self.name = name
        self.open_bus = open_bus
        self.outbox = Outbox(open_bus)
        self._done_topic = done_topic
        self._find_claims = find_claims
        self._claims: Claims | None = None
        self._sender: BusThread | None = None
        self._results: Results | None = None
        self._readings: WeakSet[Reading] = WeakSet()
        self._lock = threading.Lock()
        self._closed = False
        self._pid = os.getpid()
        _all.add(self)

    def confirm(self, messages: list[Message], timeout: Span) -> None:
        """Send, and wait until all is confirmed."""
        patience = seconds_of("timeout", timeout)
        sender = self._sender or self._thread()
        request = sender.submit(messages, patience)
        if not request.wait():
            raise request.abandon(
                f"bus '{self.name}' has not confirmed all of it in {patience:g}s"
            )

    def confirm_once(
        self, tasks: list[Task], messages: list[Message], unique: Span, timeout: Span
    ) -> None:
        """The same, of tasks whose like is not sent again for a time."""
        seconds = seconds_of("unique", unique, least=MOMENT)
        with self._lock:
            claims = self._claims = self._claims or self._find_claims()
        topics = [message.topic for message in messages]
        with claims.taken(tasks, topics, seconds):
            self.confirm(messages, timeout)

    def results(self) -> Results:
        """Return who waits for done tasks."""
        with self._lock:
            self.check_open()
            if self._results is None:
                self._results = Results(self.open_bus, self._done_topic)
            return self._results

    def check_open(self) -> None:
        """Raise `BusClosedError` after `close`."""
        if self._closed:
            raise BusClosedError(f"the client of bus '{self.name}' is closed")

    def read(self, topic: str, channel: str, timeout: Span | None) -> Reading:
        """Return what reads a topic, until this is closed."""
        reading = Reading(self.open_bus, topic, channel, timeout)
        with self._lock:
            self.check_open()
            self._readings.add(reading)
        return reading

    def close(self) -> None:
        """End all of it, in bounded time; may be repeated."""
        _join(self.stop())

    def stop(self) -> list[threading.Thread]:
        """Tell all of it to end; return the threads that do so."""
        with self._lock:
            self._closed = True
            sender, results = self._sender, self._results
            self._sender = self._results = None
            readings = [*self._readings]
        if os.getpid() != self._pid:
            return []
        for reading in readings:
            reading.stop()
        self.outbox.close()
        ending = [sender.stop()] if sender is not None else []
        return ending + (results.stop() if results is not None else [])

    def leave(self) -> None:
        """See that it ends: nobody uses it any more.

        Takes no lock and waits for nothing: whoever collects garbage calls it, in the
        middle of anything.
        """
        if (sender := self._sender) is not None:
            sender.leave(self._close_rest)
        else:  # a reader of results ends by itself
            _all.discard(self)

    def before_fork(self, seconds: float) -> BusThread | None:
        """Have nobody send: a library may not outlive a fork in mid-call.

        Returns:
            What is kept from sending, if that could be done in time.
        """
        sender = self._sender
        return sender if sender is not None and sender.take_turn(seconds) else None

    def after_fork(self) -> None:
        """Leave the parent's connections alone: they are its own (in the child)."""
        readings, self._readings = self._readings, WeakSet()
        _of_parents.extend((self._sender, self._results, self.outbox, *readings))
        self.outbox = Outbox(self.open_bus)
        self._lock = threading.Lock()  # whoever held it is not here
        self._pid = os.getpid()
        self._sender = self._results = None

    def _thread(self) -> BusThread:
        with self._lock:
            self.check_open()
            if self._sender is None:
                self._sender = BusThread(self.open_bus, f"task-{self.name}")
            return self._sender

    def _close_rest(self) -> None:
        """Close what the thread that sends has not closed itself (that thread)."""
        if (results := self._results) is not None:
            _join(results.stop())
        self.outbox.close()
        _all.discard(self)


_all: set[Parts] = set()
"""Those of all clients that there are, and of others that are still to be closed."""
_of_parents: list[object] = []
"""What a parent process uses: nothing of it may be closed here, or collected."""


_held: list[BusThread] = []
"""Those that are kept from sending while this process forks."""


def _join(threads: Iterable[threading.Thread]) -> None:
    """Wait for threads that end, for all of them together at most so long."""
    end = monotonic() + LAST_WORDS
    for thread in threads:
        thread.join(max(0.0, end - monotonic()))


def _close_all() -> None:
    ending = []
    for parts in list(_all):
        with suppress(FrameworkError):
            ending += parts.stop()
    _join(ending)


def _hold_still() -> None:
    end = monotonic() + BEFORE_FORK
    held = [parts.before_fork(max(0.0, end - monotonic())) for parts in list(_all)]
    _held.extend(one for one in held if one is not None)


def _go_on() -> None:
    while _held:
        _held.pop().end_turn()


def _begin_anew() -> None:
    _held.clear()
    for parts in list(_all):
        parts.after_fork()


atexit.register(_close_all)
os.register_at_fork(
    before=_hold_still, after_in_parent=_go_on, after_in_child=_begin_anew
)
