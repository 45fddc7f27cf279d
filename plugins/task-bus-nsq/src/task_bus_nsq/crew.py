"""All connections of one consumer: made, lost, made again, and listened to at once."""

import logging
import os
import select
from contextlib import suppress
from threading import Lock
from time import monotonic

from task_bus_nsq.directory import Directory
from task_bus_nsq.failures import CLOSED, as_bus_error
from task_bus_nsq.finder import Finder
from task_bus_nsq.names import Address
from task_bus_nsq.reader import Reader
from task_bus_nsq.settings import Settings
from task_core.errors import BusConnectionError, BusError

_log = logging.getLogger("task.bus.nsq")
_WAKE, _FOUND = b"w", b"f"
_GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class Crew:
    """Connections to each nsqd that holds the topic.

    Args:
        settings: How to connect.
        directory: Knows the nsqds.
        topic, channel: What to read.

    Raises:
        BusConnectionError: None of the nsqds can be reached.
    """

    def __init__(
        self, settings: Settings, directory: Directory, topic: str, channel: str
    ) -> None:
        self.readers: list[Reader] = []
        self._settings = settings
        self._directory = directory
        self._topic, self._channel = topic, channel
        self._by_number: dict[int, Reader] = {}
        self._bell, self._ring = os.pipe()
        self._ringing = Lock()
        for number in (self._bell, self._ring):
            os.set_blocking(number, False)
        self._all, self._gone = select.poll(), select.poll()
        self._all.register(self._bell, select.POLLIN)
        lookup = (lambda: directory.holders(topic)) if settings.lookupd else None
        self._finder = Finder(
            self._connect, lookup, settings.lookup_interval, self._tell
        )
        try:
            self.muster()
        except BaseException:
            self.close()
            raise
        if lookup:
            self._finder.start()

    def muster(self) -> None:
        """Take in what was found; when there is nobody, connect to all now.

        Raises:
            BusConnectionError: None of the nsqds can be reached.
            BusError: One of them refuses us.
        """
        while self._finder.found:
            reader = self._finder.found.popleft()
            if any(it.address == reader.address for it in self.readers):
                reader.drop()  # both connected to it at the same moment
            else:
                self._enlist(reader)
        if self.readers:
            return
        failures = []
        for address in self._directory.readable(self._topic):
            try:
                self._enlist(self._connect(address))
            except BusConnectionError as error:
                failures.append((address, str(error)))
        if not self.readers:
            raise BusConnectionError("; ".join(text for _, text in failures))
        for address, text in failures:
            _log.warning("%s; reading from others meanwhile", text)
            self._finder.lost(address)

    def lose(self, reader: Reader, error: Exception) -> None:
        """Give up a connection, and let it be made again.

        Raises:
            BusError: There is no other, and this one refuses us or broke at once.
        """
        reason = self._dismiss(reader, error)
        is_new = monotonic() - reader.made_at < 1.0  # connecting again would not help
        if not self.readers and (is_new or not isinstance(reason, BusConnectionError)):
            raise reason from error

    def listen(self, seconds: float) -> tuple[list[Reader], bool]:
        """Wait until some have sent something.

        Returns:
            Who, and whether it was `wake` that ended the wait.
        """
        ready, woken = [], False
        for number, _ in self._all.poll(seconds * 1000 if seconds > 0 else 0):
            if number == self._bell:
                woken = _WAKE in os.read(self._bell, 4096)
            else:
                ready.append(self._by_number[number])
        return ready, woken

    def drop_silent(self, now: float) -> None:
        """Give up those of whom nothing was heard for too long."""
        for reader in list(self.readers):
            if now - reader.heard > 2.5 * self._settings.heartbeat:
                self.lose(reader, TimeoutError())

    def drop_gone(self) -> None:
        """Give up those whose nsqd is known to be gone."""
        for number, event in self._gone.poll(0):
            if event & _GONE and (reader := self._by_number.get(number)):
                self._dismiss(reader, ConnectionResetError(0, CLOSED))

    def wake(self) -> None:
        """End a wait in `listen`, or the next one (any thread)."""
        self._notify(_WAKE)

    def close(self) -> None:
        """Close all connections as they are; may be repeated."""
        self._finder.stop()
        for reader in list(self.readers):
            self._strike_off(reader)
        with self._ringing:  # a number that is in use must not become another's
            if self._ring >= 0:
                os.close(self._bell)
                os.close(self._ring)
                self._bell = self._ring = -1

    def _connect(self, address: Address) -> Reader:
        return Reader(address, self._settings, self._topic, self._channel)

    def _enlist(self, reader: Reader) -> None:
        number = reader.fileno()
        self.readers.append(reader)
        self._by_number[number] = reader
        self._all.register(number, select.POLLIN)
        self._gone.register(number, _GONE)
        self._finder.connected(reader.address)

    def _dismiss(self, reader: Reader, error: Exception) -> BusError:
        """Give up a connection; return why, in the words of the contract."""
        self._strike_off(reader)
        reason = as_bus_error(reader.address, error)
        _log.warning("lost a connection: %s", reason)
        if self.readers:
            self._finder.lost(reader.address)
        return reason

    def _strike_off(self, reader: Reader) -> None:
        number = reader.fileno()
        self._all.unregister(number)
        self._gone.unregister(number)
        del self._by_number[number]
        self.readers.remove(reader)
        reader.drop()

    def _tell(self) -> None:
        self._notify(_FOUND)

    def _notify(self, what: bytes) -> None:
        with self._ringing, suppress(BlockingIOError):  # then it rings already
            if self._ring >= 0:
                os.write(self._ring, what)
