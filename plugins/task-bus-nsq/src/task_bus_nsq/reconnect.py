"""Connects to nsqds again, and to new ones, beside the thread that owns the bus.

A nsqlookupd or an nsqd that does not answer keeps nobody waiting but this thread.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from random import uniform
from time import monotonic

from task_bus_nsq.names import Address
from task_bus_nsq.reader import Reader
from task_core.api import BusConnectionError, BusError

_log = logging.getLogger("task.bus.nsq")
FIRST_WAIT, LONGEST_WAIT = 0.2, 15.0
"""Seconds until the second try to connect, and between two tries at most."""


class Reconnector:
    """Connects again to lost nsqds with backoff, and asks nsqlookupds on a timer.

    Args:
        connect: Makes a connection.
        lookup: Asks all nsqlookupds, or None when there are none.
        interval: Seconds between two such questions.
        tell: Called, in this thread, when there is something in `found`.
    """

    def __init__(
        self,
        connect: Callable[[Address], Reader],
        lookup: Callable[[], list[Address]] | None,
        interval: float,
        tell: Callable[[], None],
    ) -> None:
        self.found: deque[Reader] = deque()
        self._connect = connect
        self._lookup = lookup
        self._interval = interval
        self._tell = tell
        self._lock = threading.Condition()
        self._due: dict[Address, tuple[float, float]] = {}  # when, and the wait before
        self._known: set[Address] = set()
        self._next_lookup = monotonic() + interval if lookup else float("inf")
        self._thread: threading.Thread | None = None
        self._stopped = False

    def start(self) -> None:
        """Start to look around, if that has not begun."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="nsq-reconnect", daemon=True
            )
            self._thread.start()

    def connected(self, address: Address) -> None:
        """Leave an nsqd alone: there is a connection (who has the bus)."""
        with self._lock:
            self._known.add(address)
            self._due.pop(address, None)

    def lost(self, address: Address) -> None:
        """Connect to an nsqd again (who has the bus)."""
        with self._lock:
            self._known.discard(address)
            self._due[address] = (monotonic() + uniform(0, FIRST_WAIT), FIRST_WAIT)
            self._lock.notify()
        self.start()

    def stop(self) -> None:
        """End; what was found and not fetched is closed."""
        with self._lock:
            self._stopped = True
            self._lock.notify()
        while self.found:
            self.found.popleft().drop()

    def _run(self) -> None:
        while (due := self._wait()) is not None:
            for address in due:
                self._try(address)
            if monotonic() >= self._next_lookup:
                self._look_up()

    def _wait(self) -> list[Address] | None:
        """Sleep until something is due; None at the end."""
        with self._lock:
            while not self._stopped:
                now = monotonic()
                due = [it for it, (when, _) in self._due.items() if when <= now]
                if due or now >= self._next_lookup:
                    return due
                whens = [when for when, _ in self._due.values()]
                earliest = min([*whens, self._next_lookup])
                self._lock.wait(None if earliest == float("inf") else earliest - now)
        return None

    def _try(self, address: Address) -> None:
        try:
            reader = self._connect(address)
        except BusError as error:
            is_away = isinstance(error, BusConnectionError)
            _log.log(logging.DEBUG if is_away else logging.WARNING, "%s", error)
            self._put_off(address)
            return
        with self._lock:
            self._due.pop(address, None)
            is_wanted = not self._stopped and address not in self._known
            if is_wanted:
                self._known.add(address)
                self.found.append(reader)
        if is_wanted:
            self._tell()
        else:
            reader.drop()

    def _put_off(self, address: Address) -> None:
        with self._lock:
            if address in self._due:
                wait = min(self._due[address][1] * 2, LONGEST_WAIT)
                self._due[address] = (monotonic() + uniform(wait / 2, wait), wait)

    def _look_up(self) -> None:
        assert self._lookup is not None
        try:
            addresses = self._lookup()
        except BusError as error:
            _log.warning("%s", error)
        else:
            self._compare(addresses)
        with self._lock:
            self._next_lookup = monotonic() + self._interval

    def _compare(self, addresses: list[Address]) -> None:
        """Try those that are new, and give up those that are gone for good."""
        with self._lock:
            for address in addresses:
                if address not in self._known and address not in self._due:
                    self._due[address] = (0.0, FIRST_WAIT)
            for address, (_, wait) in list(self._due.items()):
                if wait >= LONGEST_WAIT and address not in addresses:
                    del self._due[address]
