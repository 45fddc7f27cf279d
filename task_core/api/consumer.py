"""The contract of a consumer: it reads one topic on one channel."""

import contextlib
import math
from abc import abstractmethod
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from task_core.api.capabilities import require
from task_core.api.message import Delivery, Message, check_messages
from task_core.api.part import Owner, Part, a_kind_of, broken
from task_core.api.waker import Waker
from task_core.errors import BusError, LeaseLostError

if TYPE_CHECKING:
    from task_core.api.held import Held


class Consumer(Part, contract=True):
    """Reads one topic on one channel.

    Authors fill in `_receive`, and of `_ack _nack _extend _settle _drain _exhausted
    _wake _close` what their capabilities ask for.

    Args:
        bus: The bus that made it.
        topic, channel: What it reads.
        knows_lost: Set this on a class whose broker tells which leases are lost; for
            all others the base keeps the list of what is held, with local deadlines.
            Such a class has a `_settle` of its own.
        temporary: Whether its channel goes with it (the bus sets this).
    """

    knows_lost: ClassVar[bool] = False
    temporary = False
    _kind = "consumer"

    def __init__(self, bus: Owner, topic: str, channel: str) -> None:
        super().__init__(bus)
        self.topic = topic
        self.channel = channel
        self._woken = False
        self._made_waker: Waker | None = None
        self._held: Held | None = None
        if bus.capabilities.ack and not self.knows_lost:
            self._held = _ledger(bus.lease if bus.capabilities.lease else math.inf)

    def receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Wait for messages.

        Takes no more than `limit` from the broker: what waits here could be done by
        another worker.

        Args:
            limit: Return at most so many.
            timeout: Return none after so many seconds; 0 does not wait.

        Returns:
            What is there, as soon as there is one. Nothing after `timeout`, after
            `wake`, or at the end of a bounded stream.

        Raises:
            BusConnectionError: The connection is lost.
            BusClosedError: `close` was called before.
        """
        self._check_open()
        if limit < 1:
            return ()
        woken, self._woken = self._woken, False
        left = 0.0 if woken else timeout
        deadline = monotonic() + left
        while not (found := self._receive(limit, left)):
            if found is None:
                _check_received(self.bus, found)
            left = deadline - monotonic()
            if left <= 0 or self._woken or self._exhausted():
                self._woken = False
                return ()
        if (
            type(found) is not list
            or type(found[0]) is not Delivery
            or type(found[0].body) is not bytes
        ):
            _check_received(self.bus, found)
        if self._held is not None:
            self._held.add(found)
        return found

    def settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        """Publish what tasks produced, then acknowledge their deliveries.

        When it raises, nothing was acknowledged; messages may have been sent, except
        with `atomic_settle`, where both happen or neither.

        Raises:
            PayloadError: The bus can never carry some messages; it tells which, and
                nothing was sent.
            SendError: The broker did not confirm all messages.
            LeaseLostError: Others have some of the deliveries; nothing was done.
            BusClosedError: `close` was called before, of the bus or the consumer.
            BusError: The broker failed otherwise.
        """
        self._check_open()
        if messages and self.bus.capabilities.atomic_settle:
            check_messages(self.bus, messages)
        self._require_held(deliveries)
        self._settle(deliveries, messages)
        self._let_go(deliveries)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that these are done (capability `ack`).

        May reach the broker a little later: a crash in between costs duplicates.

        Raises:
            LeaseLostError: Others have some of them; nothing was done.
        """
        self._demand("ack")
        if deliveries:
            self._require_held(deliveries)
            self._ack(deliveries)
            self._let_go(deliveries)

    def nack(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:
        """Give these back (capability `nack`).

        Args:
            deliveries: Which. Those that others have stay theirs; a bus that sees it
                may raise `LeaseLostError`, and has done nothing then.
            delay: Not before so many seconds (capability `nack_delay`).
        """
        self._demand("nack")
        if delay:
            self._demand("nack_delay")
        if self._held is not None:
            lost = {id(one) for one in self._held.lost(deliveries)}
            deliveries = [one for one in deliveries if id(one) not in lost]
        if deliveries:
            self._nack(deliveries, delay)
            self._let_go(deliveries)

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the lease of these (capability `lease`).

        Raises:
            LeaseLostError: Others have some of them; nothing was done.
        """
        self._demand("lease")
        if deliveries:
            self._require_held(deliveries)
            if self._held is None:
                self._extend(deliveries)
                return
            ends = self._held.end  # before: the broker's answer may take its time
            self._extend(deliveries)
            self._held.renew(deliveries, ends)

    @property
    def exhausted(self) -> bool:
        """Whether a bounded stream has delivered its last message."""
        return self._exhausted()

    def drain(self) -> Sequence[Delivery]:
        """Hand over what was read ahead and not delivered; called once, at the end.

        Only buses that cannot give back (a pipe) have any.
        """
        return self._drain()

    def wake(self) -> None:
        """Make a waiting `receive`, or the next one, return at once.

        The only call that comes from other threads; nothing after `close`.
        """
        self._woken = True
        if not self.closed:
            self._wake()

    def _close_once(self) -> None:
        """Give back what is held, then close; then the channel, if it is temporary."""
        try:
            if self._held is not None and self.bus.capabilities.nack:
                # If that fails, the leases end by themselves.
                with contextlib.suppress(BusError):
                    if held := self._held.deliveries:
                        self._nack(held, 0.0)
        finally:
            self._close()
            if self._made_waker is not None:
                self._made_waker.close()
        if self.temporary:
            self.bus.remove_channel(self.topic, self.channel)

    @property
    def _waker(self) -> Waker:
        """What `_receive` may wait with: `wake` ends it."""
        if self._made_waker is None:
            self._made_waker = Waker()
            if self._woken:  # by somebody who saw no waker yet
                self._made_waker.wake()
        return self._made_waker

    def _demand(self, capability: str) -> None:
        require(self.bus.capabilities, capability, self.bus.name)
        self._check_open()

    def _require_held(self, deliveries: Sequence[Delivery]) -> None:
        if self._held is not None and (lost := self._held.lost(deliveries)):
            raise LeaseLostError(
                f"bus '{self.bus.name}': the lease of {len(lost)} of {len(deliveries)}"
                f" deliveries of topic '{self.topic}' is over; nothing was done",
                lost,
            )

    def _let_go(self, deliveries: Sequence[Delivery]) -> None:
        if self._held is not None:
            self._held.remove(deliveries)

    @abstractmethod
    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Return up to `limit` (1 or more) messages, as soon as there is one.

        May return none before `timeout` (seconds, 0 or more): it is called again until
        the caller's time is over. Must not take longer, and must end on `_wake`.
        """

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        """Send, then acknowledge.

        A bus that can do both at once overrides it, and one with `knows_lost`: it looks
        first which leases are lost, and sends nothing then.
        """
        if messages:
            self.bus.shared_producer().send(messages)
        if deliveries and self.bus.capabilities.ack:
            self._ack(deliveries)

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that these are done (with capability `ack`)."""
        raise NotImplementedError(f"{type(self).__name__}._ack")

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        """Give these back (with capability `nack`)."""
        raise NotImplementedError(f"{type(self).__name__}._nack")

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the lease of these (with capability `lease`)."""
        raise NotImplementedError(f"{type(self).__name__}._extend")

    def _drain(self) -> Sequence[Delivery]:
        """Hand over what was read ahead, where nothing can be given back."""
        return ()

    def _exhausted(self) -> bool:
        """Whether the last message was delivered (with capability `bounded`)."""
        return False

    def _wake(self) -> None:
        """End the wait of `_receive` (any thread): by default, that of `_waker`."""
        if self._made_waker is not None:
            self._made_waker.wake()


def _check_received(bus: Owner, found: object) -> None:
    """Refuse what cannot be deliveries: the first one tells.

    Raises:
        PluginContractError: It is something else.
    """
    first = found[0] if isinstance(found, Sequence) and found else None
    if not isinstance(first, Delivery):
        kind = (
            a_kind_of(found) if first is None else f"a list of {type(first).__name__}"
        )
        raise broken(bus, f"_receive gives {kind}, not a list of Delivery")
    if not isinstance(first.body, bytes):
        kind = a_kind_of(first.body)
        raise broken(bus, f"_receive gives a Delivery whose body is {kind}, not bytes")


def _ledger(lease: float) -> "Held":
    from task_core.api.held import Held  # noqa: PLC0415  pipes hold nothing

    return Held(lease)
