"""Sends to one of several nsqds; a dead one is left, and tried again later."""

import logging
from collections.abc import Sequence
from time import monotonic

import attrs

from task_bus_nsq.batches import (
    LARGEST_BATCH,
    Batch,
    Names,
    check_messages,
    deliver,
    make_batches,
    split,
)
from task_bus_nsq.connection import NsqdConnection
from task_bus_nsq.discovery import Discovery
from task_bus_nsq.errors import RefusalError, as_bus_error
from task_bus_nsq.names import Address, checked
from task_bus_nsq.nodes import Nodes
from task_bus_nsq.settings import Settings
from task_core.api import (
    Bus,
    BusConnectionError,
    BusError,
    Message,
    PayloadError,
    Producer,
    SendError,
)

_log = logging.getLogger("task.bus.nsq")
FIRST_REST, LONGEST_REST = 1.0, 30.0
"""Seconds for which an nsqd that failed is left alone while others work."""


class NsqProducer(Producer):
    """Sends; what a call sends goes to one nsqd, the next call to the next.

    Args:
        bus: The bus that made it.
        settings: How to connect.
        discovery: Knows the nsqds.
    """

    def __init__(self, bus: Bus, settings: Settings, discovery: Discovery) -> None:
        super().__init__(bus)
        self._settings = settings
        self._nodes = Nodes(settings, discovery)
        self._connections: dict[Address, NsqdConnection] = {}
        self._resting: dict[Address, tuple[float, float]] = {}  # until, and how long
        self._names: Names = {}
        self._largest = min(settings.max_msg_size, LARGEST_BATCH)
        self._turn = 0
        self._addresses: Sequence[Address] = ()

    def _send(self, messages: Sequence[Message]) -> None:
        """Try one nsqd after the other until all is confirmed."""
        check_messages(messages, self._names)
        longest = self.bus.capabilities.max_delay or 0.0
        batches = make_batches(messages, self._names, self._largest, longest)
        failures: list[BusError] = []
        began = False
        for address in self._candidates():
            again = True
            while again:
                is_old = address in self._connections
                try:
                    connection = self._connect(address)
                    began = True
                    deliver(connection, batches)
                except (OSError, BusError) as error:
                    self._connections.pop(address, None)
                    again = self._shrink(batches, error)
                    if not again:
                        failures.append(_judge(address, error, batches))
                        again = is_old  # it may have been cut: make a new one
                else:
                    return
            self._rest(address)
        self._give_up(batches, failures, began)

    def _shrink(self, batches: list[Batch], error: Exception) -> bool:
        """Learn from a refusal how much an nsqd takes; say whether they fit only now.

        Raises:
            PayloadError: Messages are too long for it. Others may have been sent, but
                that happens once: from now on it is known before.
        """
        limit = error.limit if isinstance(error, RefusalError) else None
        if not isinstance(error, RefusalError) or limit is None:
            return False
        known = self.bus.capabilities
        if "message too big" in error.reason:
            self.bus.capabilities = attrs.evolve(known, max_bytes=limit)
            raise PayloadError(str(error), _longer(batches, limit)) from error
        if error.reason.startswith("DPUB timeout"):
            _log.warning("%s; longer delays are shortened to that", error)
            self.bus.capabilities = attrs.evolve(known, max_delay=limit / 1000)
            fits = max(batch.delay for batch in batches) <= limit
            for batch in batches:
                batch.delay = min(batch.delay, limit)
        else:  # a batch
            self._largest = limit
            fits = max(batch.size for batch in batches) <= limit
            batches[:] = [part for batch in batches for part in split(batch, limit)]
        return not fits

    def _prepare(self, topics: Sequence[str]) -> None:
        """Check the names, and that an nsqd can be reached; topics need no making."""
        for topic in topics:
            checked("topic", topic)
        failures: list[BusError] = []
        for address in self._candidates():
            try:
                self._connect(address)
            except BusConnectionError as error:
                self._rest(address)
                failures.append(error)
            else:
                return
        self._give_up([], failures, began=False)

    def _close(self) -> None:
        for connection in self._connections.values():
            connection.drop()

    def _give_up(
        self, batches: list[Batch], failures: list[BusError], began: bool
    ) -> None:
        self._nodes.doubt()
        text = "; ".join(dict.fromkeys(map(str, failures)))
        if not began:
            raise BusConnectionError(text) from failures[-1]
        raise SendError(
            f"not confirmed: {text}", _positions(batches), transient=True
        ) from failures[-1]

    def _connect(self, address: Address) -> NsqdConnection:
        found = self._connections.get(address)
        if found is None or not found.alive():
            found = NsqdConnection(address, self._settings, 0)
            self._connections[address] = found
            self._resting.pop(address, None)
        return found

    def _rest(self, address: Address) -> None:
        """Leave an nsqd alone for a while, the longer the more often it fails."""
        rest = min(self._resting.get(address, (0, FIRST_REST / 2))[1] * 2, LONGEST_REST)
        self._resting[address] = (monotonic() + rest, rest)

    def _candidates(self) -> Sequence[Address]:
        """Return all nsqds: in turn, those that rest only at the end."""
        addresses = self._nodes.get()
        if addresses is not self._addresses:
            self._addresses = addresses
            self._leave_others(addresses)
        if len(addresses) == 1:
            return addresses
        now = monotonic()
        self._turn = (self._turn + 1) % len(addresses)
        turned = [*addresses[self._turn :], *addresses[: self._turn]]
        resting = {it for it, (until, _) in self._resting.items() if until > now}
        return sorted(turned, key=resting.__contains__)

    def _leave_others(self, addresses: Sequence[Address]) -> None:
        """Forget nsqds that are there no more."""
        for address in self._connections.keys() - set(addresses):
            self._connections.pop(address).drop()
        for address in self._resting.keys() - set(addresses):
            del self._resting[address]


def _judge(address: Address, error: Exception, batches: list[Batch]) -> BusError:
    """Return the error of the contract; raise it when no other nsqd would help.

    Raises:
        SendError: An nsqd refuses the messages.
        BusError: It refuses us.
    """
    reason = as_bus_error(address, error)
    if isinstance(reason, RefusalError) and not reason.is_passing:
        raise SendError(str(reason), _positions(batches)) from error
    if not isinstance(reason, (RefusalError, BusConnectionError)):
        raise reason
    return reason


def _longer(batches: list[Batch], limit: int) -> list[int]:
    return [
        position
        for batch in batches
        for position, body in zip(batch.positions, batch.bodies, strict=True)
        if len(body) > limit
    ]


def _positions(batches: list[Batch]) -> list[int]:
    return sorted(position for batch in batches for position in batch.positions)
