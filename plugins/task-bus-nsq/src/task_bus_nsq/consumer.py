"""Reads one channel from every nsqd that has it, and no more than it is asked for."""

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from task_bus_nsq.connections import Connections
from task_bus_nsq.distribution import distribute
from task_bus_nsq.flush_timer import FlushTimer
from task_bus_nsq.losses import Losses
from task_bus_nsq.reader import Reader, Receipt
from task_bus_nsq.settings import Settings
from task_core.api import Bus, BusError, Consumer, Delivery, LeaseLostError, Message

TURN = 0.025
"""Seconds that a connection is asked alone when the limit is too small for all."""
GRACE = 0.001
"""Seconds that a receive waits at least: the way to an nsqd and back."""
RUSH = 0.001
"""Seconds without a message after which an nsqd is asked for one, not for many.

While more may go out than it has, it holds messages back to send many together; what
fills the limit leaves at once. Who has nothing to do must not wait for the one.
"""
FOR_GOOD = float("inf")
GOODBYE = 1.0
"""Seconds that a nsqd has to take leave."""


class NsqConsumer(Consumer):
    """Reads one channel.

    Between two calls of `receive` nothing is asked for: what an nsqd sent meanwhile,
    since the word had not reached it, is what the next call returns first.

    Args:
        bus, topic, channel: As for every consumer.
        connections: To the nsqds that have the topic.
        settings: How long a delay and a heartbeat is.
        timeouts: Tells how many leases have ended here on so many nsqds, or None.
    """

    knows_lost = True

    def __init__(
        self,
        bus: Bus,
        topic: str,
        channel: str,
        connections: Connections,
        settings: Settings,
        timeouts: Callable[[int], int | None],
    ) -> None:
        super().__init__(bus, topic, channel)
        self._connections = connections
        self._losses = Losses(timeouts, lambda: len(connections.addresses))
        self._requeue_delay = settings.requeue_delay
        self._here: deque[Delivery] = deque()
        self._timer = FlushTimer(self._send_left, settings.heartbeat)
        self._is_owed = False  # messages may be on their way, unasked

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        now = monotonic()
        deadline = now + max(timeout, GRACE)
        self._prepare(now)
        rush_ends = now + RUSH
        while not self._here and now < deadline and not self._woken:
            amount, turn = self._turn(limit, rush_ends - now)
            self._ask(amount, now)
            self._listen(min(turn, deadline - now))
            now = monotonic()
        found = self._hand_over(limit, now)
        self._losses.explain(found)
        return found

    def _turn(self, limit: int, rush: float) -> tuple[int, float]:
        """Return how many to ask for next, and for how long."""
        least = len(self._connections.readers)
        if limit < least:
            return limit, TURN
        return (limit, rush) if limit > least and rush > 0 else (least, FOR_GOOD)

    def _wake(self) -> None:
        self._connections.waker.wake()

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        """Send, await the confirmation, then finish the deliveries.

        When the connection of a delivery breaks between the two, it comes again. The
        nsqd hears of the end with the next receive, or a moment later.
        """
        self._check_held(deliveries)
        if messages:
            self.bus.shared_producer().send(messages)
        for reader, receipts in _by_reader(deliveries).items():
            reader.let_go(receipts, b"FIN", b"")
            self._timer.remind()

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        self._settle(deliveries, ())

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        self._check_held(deliveries)
        tail = b" %d" % round((delay or self._requeue_delay) * 1000)
        for reader, receipts in _by_reader(deliveries).items():
            reader.let_go(receipts, b"REQ", tail)
            self._flush(reader)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the lease of these; an nsqd's --max-msg-timeout bounds the sum."""
        self._check_held(deliveries)
        for reader, receipts in _by_reader(deliveries).items():
            reader.renew(receipts)
            self._flush(reader)
        self._listen(0.0)

    def _check_held(self, deliveries: Sequence[Delivery]) -> None:
        """Refuse deliveries that others have.

        Those of a lost connection pass: whether its nsqd will hand them out again,
        nobody knows, and a duplicate is better than a lost outcome.

        Raises:
            LeaseLostError: It names them.
        """
        self._connections.drop_gone()
        now = monotonic()
        lost = []
        for delivery in deliveries:
            token = delivery.token
            is_held = token.reader.held.get(token.id) is token
            is_over = not is_held or token.deadline <= now
            if is_over and token.reader.alive():
                lost.append(delivery)
        if lost:
            raise LeaseLostError(
                f"{len(lost)} of {len(deliveries)} messages of topic '{self.topic}'"
                " went to others: the lease was over",
                lost,
            )

    def _close(self) -> None:
        """Give back what is unsettled, and take leave."""
        self._timer.stop()
        for reader in self._connections.readers:
            try:
                reader.leave(GOODBYE)
            except (OSError, BusError):
                pass  # then its lease brings the rest back
        self._connections.close()

    def _prepare(self, now: float) -> None:
        self._connections.restore()
        if self._is_owed:
            self._is_owed = False
            self._listen(0.0)
        for reader in self._connections.readers:
            reader.forget_expired(now)
        if not any(reader.room > 0 for reader in self._connections.readers):
            self._connections.widen()

    def _ask(self, limit: int, now: float) -> None:
        """Ask for `limit`, distributed over all."""
        readers = [it for it in self._connections.readers if it.room > 0]
        if len(readers) == 1:
            self._ask_one(readers[0], limit, now)
            return
        parts = zip(distribute(limit, readers, now), readers, strict=True)
        # first less, then more: so that both together are not too much
        for amount, reader in sorted(parts, key=lambda pair: pair[0]):
            self._ask_one(reader, amount, now)

    def _ask_one(self, reader: Reader, amount: int, now: float) -> None:
        if amount:
            reader.is_busy = False  # until it sends something
            reader.asked_at = reader.since = now
        reader.ask(amount)
        self._flush(reader)

    def _listen(self, seconds: float) -> None:
        """Read what comes within some time, or until `wake`."""
        begun = monotonic()
        # when the last connection broke just now, nothing can come: make a new one
        ready = self._connections.listen(seconds if self._connections.readers else 0.0)
        now = monotonic()
        for reader in ready:
            # what was there at once may have waited since we looked the last time
            self._read(reader, now if now - begun > GRACE else reader.since)
            reader.since = now
        if len(ready) < len(self._connections.readers):
            self._connections.drop_silent(now)
        self._connections.restore()

    def _read(self, reader: Reader, arrived: float) -> None:
        try:
            found = reader.take(arrived)
        except (OSError, BusError) as error:
            self._connections.lose(reader, error)
            return
        if found:
            self._here.extend(found)
            reader.is_busy = True

    def _hand_over(self, limit: int, now: float) -> list[Delivery]:
        """Return what is here, and ask for nothing more."""
        here = self._here
        found: list[Delivery] = []
        while here and len(found) < limit:
            delivery = here.popleft()
            token = delivery.token
            if token.deadline > now and token.reader.held.get(token.id) is token:
                found.append(delivery)
        for reader in list(self._connections.readers):
            if reader.rest():
                self._is_owed = True
                self._flush(reader)
            else:
                self._timer.remind()  # most often the next call sends it before
        return found

    def _flush(self, reader: Reader) -> None:
        try:
            reader.flush()
        except OSError as error:
            self._connections.lose(reader, error)

    def _send_left(self, is_beat: bool) -> None:
        """Send what was gathered, and a sign of life (the timer's thread)."""
        for reader in list(self._connections.readers):
            try:
                if is_beat:
                    reader.nop()
                reader.flush()
            except (OSError, AttributeError):  # of one that was dropped just now
                reader.cut()  # half a command may be out; who has the bus finds out


def _by_reader(deliveries: Sequence[Delivery]) -> dict[Reader, list[Receipt]]:
    """Return the receipts of each connection; a lost one has nothing to be told."""
    found: dict[Reader, list[Receipt]] = {}
    for delivery in deliveries:
        token = delivery.token
        if token.reader.alive():
            found.setdefault(token.reader, []).append(token)
    return found
