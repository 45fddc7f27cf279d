"""Reads one channel from every nsqd that has it, and no more than it is asked for."""

from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from task_bus_nsq.crew import Crew
from task_bus_nsq.pulse import Pulse
from task_bus_nsq.reader import Reader, Receipt
from task_bus_nsq.shares import Standing, share
from task_core.api import Consumer, Delivery
from task_core.errors import BusError, LeaseLostError

if TYPE_CHECKING:
    from task_bus_nsq.bus import NsqBus

TURN = 0.025
"""Seconds that a connection is asked alone when the limit is too small for all."""
GRACE = 0.001
"""Seconds that a receive waits at least: the way to an nsqd and back."""
GOODBYE = 1.0
"""Seconds that a nsqd has to take leave."""


class NsqConsumer(Consumer):
    """Reads one channel.

    Between two calls of `receive` nothing is asked for: what an nsqd sent meanwhile,
    since the word had not reached it, is what the next call returns first.

    Args:
        bus, topic, channel: As for every consumer.
        crew: The connections.
        requeue_delay: Seconds, for a `nack` that names none.
    """

    bus: "NsqBus"

    def __init__(
        self, bus: "NsqBus", topic: str, channel: str, crew: Crew, requeue_delay: float
    ) -> None:
        super().__init__(bus, topic, channel)
        self._crew = crew
        self._requeue_delay = requeue_delay
        self._here: deque[Delivery] = deque()
        self._quiet: set[Reader] = set()  # asked, and nothing came
        self._pulse = Pulse(self._send_left)
        self._woken = False
        self._is_owed = False  # messages may be on their way, unasked

    def receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Wait for messages; see `Consumer.receive`."""
        self.check_open()
        begun = monotonic()
        deadline = begun + max(timeout, GRACE)
        self._prepare(begun)
        now, woken, self._woken = begun, self._woken, False
        while not self._here and now < deadline and not woken:
            self._ask(limit, now)
            turn = deadline if limit >= len(self._crew.readers) else now + TURN
            woken = self._listen(min(turn, deadline) - now)
            now = monotonic()
        return self._hand_over(limit)

    def wake(self) -> None:
        """Make a waiting `receive`, or the next one, return at once."""
        self._crew.wake()

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Finish these.

        Raises:
            LeaseLostError: Some went to others; nothing was done.
        """
        self.check_held(deliveries)
        self._let_go(deliveries, b"FIN", b"")

    def nack(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:
        """Give these back.

        Raises:
            LeaseLostError: Some went to others; nothing was done.
        """
        self.check_held(deliveries)
        milliseconds = round((delay or self._requeue_delay) * 1000)
        self._let_go(deliveries, b"REQ", b" %d" % milliseconds)

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the lease of these; an nsqd's --max-msg-timeout bounds the sum.

        Raises:
            LeaseLostError: Some went to others; nothing was done.
        """
        self.check_held(deliveries)
        for reader, receipts in _by_reader(deliveries).items():
            reader.renew(receipts)
            self._flush(reader)
        self._woken |= self._listen(0.0)

    def check_held(self, deliveries: Sequence[Delivery]) -> None:
        """Refuse deliveries that others have.

        Those of a lost connection pass: whether its nsqd will hand them out again,
        nobody knows, and a duplicate is better than a lost outcome.

        Raises:
            LeaseLostError: It names them.
        """
        self.check_open()
        self._crew.drop_gone()
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

    def finish(self, deliveries: Sequence[Delivery]) -> None:
        """Finish these, which were checked; a broken connection may bring them again.

        The nsqd hears of it with the next receive, or a moment later.
        """
        for reader, receipts in _by_reader(deliveries).items():
            reader.let_go(receipts, b"FIN", b"")
            self._leave(reader)

    def close(self) -> None:
        """Give back what is unsettled, and take leave; may be repeated."""
        if self.closed:
            return
        self.closed = True
        self._pulse.stop()
        self._here.clear()
        for reader in list(self._crew.readers):
            try:
                reader.leave(GOODBYE)
            except (OSError, BusError):
                pass  # then its lease brings the rest back
        self._crew.close()

    def _prepare(self, now: float) -> None:
        self._crew.muster()
        if self._is_owed:
            self._is_owed = False
            self._woken |= self._listen(0.0)
        for reader in self._crew.readers:
            reader.forget_expired(now)

    def _ask(self, limit: int, now: float) -> None:
        """Ask for `limit`, shared among all."""
        readers = self._crew.readers
        if len(readers) == 1:
            self._ask_one(readers[0], limit, now)
            return
        self._quiet.intersection_update(readers)
        standings = [
            Standing(asked_at=it.asked_at, is_busy=it not in self._quiet)
            for it in readers
        ]
        shares = zip(share(limit, standings, now), list(readers), strict=True)
        # first less, then more: so that both together are not too much
        for amount, reader in sorted(shares, key=lambda pair: pair[0]):
            if amount:
                self._quiet.add(reader)  # until it sends something
            self._ask_one(reader, amount, now)

    def _ask_one(self, reader: Reader, amount: int, now: float) -> None:
        if amount:
            reader.asked_at = reader.since = now
        reader.ask(amount)
        self._flush(reader)

    def _listen(self, seconds: float) -> bool:
        """Read what comes within some time; return whether `wake` was called."""
        begun = monotonic()
        # when the last connection broke just now, nothing can come: make a new one
        ready, woken = self._crew.listen(seconds if self._crew.readers else 0.0)
        now = monotonic()
        for reader in ready:
            # what was there at once may have waited since we looked the last time
            arrived = now if now - begun > GRACE else reader.since
            self._read(reader, arrived)
            reader.since = now
        if len(ready) < len(self._crew.readers):
            self._crew.drop_silent(now)
        self._crew.muster()
        return woken

    def _read(self, reader: Reader, arrived: float) -> None:
        try:
            found = reader.take(arrived)
            reader.flush()
        except (OSError, BusError) as error:
            self._lose(reader, error)
            return
        if found:
            self._here.extend(found)
            self._quiet.discard(reader)

    def _hand_over(self, limit: int) -> list[Delivery]:
        """Return what is here, and ask for nothing more."""
        here = self._here
        found: list[Delivery] = []
        now = monotonic()
        while here and len(found) < limit:
            delivery = here.popleft()
            token = delivery.token
            if token.deadline > now and token.reader.held.get(token.id) is token:
                found.append(delivery)
        for reader in list(self._crew.readers):
            if reader.rest():
                self._is_owed = True
                self._flush(reader)
            else:
                self._leave(reader)
        return found

    def _let_go(
        self, deliveries: Sequence[Delivery], command: bytes, tail: bytes
    ) -> None:
        for reader, receipts in _by_reader(deliveries).items():
            reader.let_go(receipts, command, tail)
            self._flush(reader)

    def _flush(self, reader: Reader) -> None:
        try:
            reader.flush()
        except OSError as error:
            self._lose(reader, error)

    def _leave(self, reader: Reader) -> None:
        """Let the next call send what was gathered, or the pulse a moment later."""
        if reader.is_tls:  # two threads must not use one TLS connection
            self._flush(reader)
        else:
            self._pulse.remind()

    def _send_left(self) -> None:
        """Send what was gathered (the pulse's thread)."""
        for reader in list(self._crew.readers):
            if not reader.is_tls:
                try:
                    reader.flush()
                except (OSError, AttributeError):  # of one that was dropped just now
                    reader.cut()  # half a command may be out; the bus thread finds out

    def _lose(self, reader: Reader, error: Exception) -> None:
        self._quiet.discard(reader)
        self._crew.lose(reader, error)


def _by_reader(deliveries: Sequence[Delivery]) -> dict[Reader, list[Receipt]]:
    """Return the receipts of each connection; a lost one has nothing to be told."""
    found: dict[Reader, list[Receipt]] = {}
    for delivery in deliveries:
        token = delivery.token
        if token.reader.alive():
            found.setdefault(token.reader, []).append(token)
    return found
