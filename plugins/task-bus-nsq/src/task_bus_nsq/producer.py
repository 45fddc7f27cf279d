"""Sends to one of several nsqds; a dead one is left, and tried again later."""

from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from task_bus_nsq.directory import Directory
from task_bus_nsq.failures import RefusalError, unreachable
from task_bus_nsq.link import Link
from task_bus_nsq.names import Address, check_topic
from task_bus_nsq.outbox import LARGEST_BATCH, Parcel, check_bodies, deliver, pack
from task_bus_nsq.settings import Settings
from task_bus_nsq.targets import Targets
from task_core.api import Message, Producer, check_messages
from task_core.errors import BusConnectionError, BusError, SendError

if TYPE_CHECKING:
    from task_bus_nsq.bus import NsqBus

FIRST_REST, LONGEST_REST = 1.0, 30.0
"""Seconds for which an nsqd that failed is left alone while others work."""


class NsqProducer(Producer):
    """Sends; what a call sends goes to one nsqd, the next call to the next.

    Args:
        bus: The bus that made it.
        settings: How to connect.
        directory: Knows the nsqds.
    """

    bus: "NsqBus"

    def __init__(self, bus: "NsqBus", settings: Settings, directory: Directory) -> None:
        super().__init__(bus)
        self._settings = settings
        self._targets = Targets(settings, directory)
        self._links: dict[Address, Link] = {}
        self._resting: dict[Address, tuple[float, float]] = {}  # until, and how long
        self._good_topics: set[str] = set()
        self._turn = 0
        self._addresses: Sequence[Address] = ()

    def send(self, messages: Sequence[Message]) -> None:
        """Send, and return when nsqds have confirmed all.

        Raises:
            PayloadError: NSQ cannot carry one of them; nothing was sent.
            BusConnectionError: No nsqd can be reached; nothing was sent.
            SendError: Some were not confirmed.
        """
        self.check_open()
        check_messages(self.bus, messages)
        check_bodies(messages)
        for topic in {message.topic for message in messages} - self._good_topics:
            check_topic(topic)
            self._good_topics.add(topic)
        parcels = pack(messages, min(self._settings.max_msg_size, LARGEST_BATCH))
        if parcels:
            self._send(parcels)

    def prepare(self, topics: Sequence[str]) -> None:
        """Check the names, and that an nsqd can be reached; topics need no making.

        Raises:
            BusConnectionError: None can be reached.
            BusError: A name is none, or the nsqd refuses us.
        """
        self.check_open()
        for topic in topics:
            check_topic(topic)
        failures: list[BusError] = []
        for address in self._candidates():
            try:
                self._link(address)
            except BusConnectionError as error:
                self._rest(address)
                failures.append(error)
            else:
                return
        self._targets.doubt()
        raise BusConnectionError("; ".join(map(str, failures)))

    def close(self) -> None:
        """Stop writing; may be repeated."""
        self.closed = True
        while self._links:
            self._links.popitem()[1].drop()

    def _send(self, parcels: list[Parcel]) -> None:
        """Try one nsqd after the other until all is confirmed."""
        failures: list[BusError] = []
        began = False
        for address in self._candidates():
            for _ in range(2):  # an old connection may have been cut: make a new one
                is_old = address in self._links
                try:
                    link = self._link(address)
                except BusConnectionError as error:
                    failures.append(error)
                    self._rest(address)
                    break
                began = True
                try:
                    deliver(link, parcels)
                except (OSError, BusError) as error:
                    del self._links[address]
                    failures.append(self._judge(address, error, parcels))
                    if is_old and not isinstance(error, RefusalError):
                        continue
                    self._rest(address)
                    break
                return
        self._give_up(parcels, failures, began)

    def _judge(
        self, address: Address, error: Exception, parcels: list[Parcel]
    ) -> BusError:
        """Return the error of the contract; raise it when no other nsqd would help.

        Raises:
            SendError: An nsqd refuses the messages, or us.
        """
        if not isinstance(error, RefusalError):
            return unreachable(address, error)
        if error.is_passing:
            return error
        raise SendError(str(error), _positions(parcels)) from error

    def _give_up(
        self, parcels: list[Parcel], failures: list[BusError], began: bool
    ) -> None:
        self._targets.doubt()
        text = "; ".join(dict.fromkeys(map(str, failures)))
        if not began:
            raise BusConnectionError(text) from failures[-1]
        raise SendError(
            f"not confirmed: {text}", _positions(parcels), transient=True
        ) from failures[-1]

    def _link(self, address: Address) -> Link:
        link = self._links.get(address)
        if link is None or not link.alive():
            link = self._links[address] = Link(address, self._settings, 0)
            self._resting.pop(address, None)
        return link

    def _rest(self, address: Address) -> None:
        """Leave an nsqd alone for a while, the longer the more often it fails."""
        rest = min(self._resting.get(address, (0, FIRST_REST / 2))[1] * 2, LONGEST_REST)
        self._resting[address] = (monotonic() + rest, rest)

    def _candidates(self) -> Sequence[Address]:
        """Return all nsqds: in turn, those that rest only at the end."""
        addresses = self._targets.get()
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
        for address in self._links.keys() - set(addresses):
            self._links.pop(address).drop()
        for address in self._resting.keys() - set(addresses):
            del self._resting[address]


def _positions(parcels: list[Parcel]) -> list[int]:
    return sorted(position for parcel in parcels for position in parcel.positions)
