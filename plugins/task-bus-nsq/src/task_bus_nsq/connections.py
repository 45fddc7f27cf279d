"""All connections of one consumer: made, lost, made again, and listened to at once."""

import logging
import select
from time import monotonic

from task_bus_nsq.discovery import Discovery
from task_bus_nsq.errors import CLOSED, as_bus_error
from task_bus_nsq.names import Address
from task_bus_nsq.reader import Reader
from task_bus_nsq.reconnect import Reconnector
from task_bus_nsq.settings import Settings
from task_core.api import BusConnectionError, BusError, Waker

_log = logging.getLogger("task.bus.nsq")
_GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class Connections:
    """Connections to each nsqd that holds the topic.

    Args:
        settings: How to connect.
        discovery: Knows the nsqds.
        topic, channel: What to read.

    Raises:
        BusConnectionError: None of the nsqds can be reached.
    """

    def __init__(
        self, settings: Settings, discovery: Discovery, topic: str, channel: str
    ) -> None:
        self.readers: list[Reader] = []
        self.waker = Waker()
        self._settings = settings
        self._discovery = discovery
        self._topic, self._channel = topic, channel
        self._by_number: dict[int, Reader] = {}
        self._all, self._gone = select.poll(), select.poll()
        self._all.register(self.waker.fileno(), select.POLLIN)
        lookup = (lambda: discovery.holders(topic)) if settings.lookupd else None
        self._reconnector = Reconnector(
            self._connect, lookup, settings.lookup_interval, self.waker.wake
        )
        try:
            self.restore()
        except BaseException:
            self.close()
            raise
        if lookup:
            self._reconnector.start()

    def restore(self) -> None:
        """Take in what was connected beside; when there is none, connect to all now.

        Raises:
            BusConnectionError: None of the nsqds can be reached.
            BusError: One of them refuses us.
        """
        while self._reconnector.found:
            reader = self._reconnector.found.popleft()
            if any(it.address == reader.address for it in self.readers):
                reader.drop()  # both connected to it at the same moment
            else:
                self._add(reader)
        if self.readers:
            return
        failures = []
        for address in self._discovery.readable(self._topic):
            try:
                self._add(self._connect(address))
            except BusConnectionError as error:
                failures.append((address, str(error)))
        if not self.readers:
            raise BusConnectionError("; ".join(text for _, text in failures))
        for address, text in failures:
            _log.warning("%s; reading from others meanwhile", text)
            self._reconnector.lost(address)

    @property
    def addresses(self) -> set[Address]:
        """The nsqds that there are connections to."""
        return {reader.address for reader in self.readers}

    def widen(self) -> None:
        """Connect once more to each: the connections that there are hold all they may.

        An nsqd's --max-rdy-count bounds what it has in flight on one connection.
        """
        for address in self.addresses:
            try:
                self._add(self._connect(address))
            except BusConnectionError as error:
                _log.warning("%s; holding no more for now", error)

    def lose(self, reader: Reader, error: Exception) -> None:
        """Give up a connection, and let it be made again.

        Raises:
            BusError: There is no other, and this one refuses us or broke at once.
        """
        reason = self._give_up(reader, error)
        is_new = monotonic() - reader.made_at < 1.0  # connecting again would not help
        if not self.readers and (is_new or not isinstance(reason, BusConnectionError)):
            raise reason from error

    def listen(self, seconds: float) -> list[Reader]:
        """Wait until some have sent something, or somebody wakes us; return who."""
        ready = []
        for number, _ in self._all.poll(seconds * 1000 if seconds > 0 else 0):
            if (reader := self._by_number.get(number)) is not None:
                ready.append(reader)
            else:
                self.waker.wait(0)  # only to empty it
        return ready

    def drop_silent(self, now: float) -> None:
        """Give up those of whom nothing was heard for too long."""
        for reader in list(self.readers):
            if now - reader.heard > 2.5 * self._settings.heartbeat:
                self.lose(reader, TimeoutError())

    def drop_gone(self) -> None:
        """Give up those whose nsqd is known to be gone."""
        for number, event in self._gone.poll(0):
            if event & _GONE and (reader := self._by_number.get(number)):
                self._give_up(reader, ConnectionResetError(0, CLOSED))

    def close(self) -> None:
        """Close all connections as they are."""
        self._reconnector.stop()
        for reader in list(self.readers):
            self._remove(reader)
        self.waker.close()

    def _connect(self, address: Address) -> Reader:
        return Reader(address, self._settings, self._topic, self._channel)

    def _add(self, reader: Reader) -> None:
        number = reader.fileno()
        self.readers.append(reader)
        self._by_number[number] = reader
        self._all.register(number, select.POLLIN)
        self._gone.register(number, _GONE)
        self._reconnector.connected(reader.address)

    def _give_up(self, reader: Reader, error: Exception) -> BusError:
        """Drop a connection; return why, in the words of the contract.

        Of the last one, too, the nsqd is tried again beside: once another is read,
        nobody else would.
        """
        self._remove(reader)
        reason = as_bus_error(reader.address, error)
        _log.warning("lost a connection: %s", reason)
        self._reconnector.lost(reader.address)
        return reason

    def _remove(self, reader: Reader) -> None:
        number = reader.fileno()
        self._all.unregister(number)
        self._gone.unregister(number)
        del self._by_number[number]
        self.readers.remove(reader)
        reader.drop()
