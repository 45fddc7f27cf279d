"""Reads one topic as one group: receive, settle, give back, and how it waits."""

from collections.abc import Sequence
from time import monotonic

from task_bus_kafka.ledger import Lease
from task_bus_kafka.pump import Pump
from task_bus_kafka.stock import Stock
from task_core.api.bus import Bus, Consumer
from task_core.api.message import Delivery
from task_core.errors import LeaseLostError

MARK_PATIENCE = 2.0
"""Seconds to wait until it is written down that a message is handed out."""


class KafkaConsumer(Consumer):
    """Reads one channel.

    Args:
        bus, topic, channel: As for every consumer.
        stock: What was read.
        pump: Reads it.
    """

    def __init__(
        self, bus: Bus, topic: str, channel: str, stock: Stock, pump: Pump
    ) -> None:
        super().__init__(bus, topic, channel)
        self.stock = stock
        self.pump = pump
        self._rung = False
        self._told = False  # whether the caller knows of the pump's problem

    def receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Wait for messages; see `Consumer.receive`."""
        self.check_open()
        if limit < 1:
            return ()
        self.stock.hear(waits=True)
        try:
            with self.stock.changed:
                leases = self._wait(limit, monotonic() + timeout)
                must_mark = self.stock.must_mark(leases)
        finally:
            self.stock.hear()
        if must_mark:
            self.pump.mark_now(MARK_PATIENCE)
        return [
            Delivery(lease.body, lease, lease.receipts, lease.headers)
            for lease in leases
        ]

    def _wait(self, limit: int, deadline: float) -> list[Lease]:
        """Wait until there is something; with the stock's lock."""
        stock = self.stock
        self.pump.wake()
        while True:
            if found := stock.take(limit):
                if stock.low:
                    stock.changed.notify_all()
                return found
            now = monotonic()
            if self._rung or now >= deadline:
                break
            if self.pump.problem and not self._told:
                break
            stock.changed.wait(min(deadline, stock.next_due) - now)
        self._rung = False
        self._told = self.pump.problem is not None
        if self.pump.problem:
            raise self.pump.problem
        return []

    def wake(self) -> None:
        """Make a waiting `receive`, or the next one, return at once."""
        with self.stock.changed:
            self._rung = True
            self.stock.changed.notify_all()

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Note that these are done; written down a little later."""
        self.check(deliveries)
        self.stock.finish(deliveries)
        if self.bus.capabilities.atomic_settle:  # no clock writes it down
            self.pump.mark_now(MARK_PATIENCE)

    def nack(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:
        """Give these back."""
        self.check(deliveries)
        self.stock.give_back(deliveries, delay)

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the lease of these."""
        self.check(deliveries)
        self.stock.extend(deliveries)

    def check(self, deliveries: Sequence[Delivery]) -> None:
        """Refuse what others have.

        Raises:
            LeaseLostError: Nothing was done.
        """
        self.check_open()
        self.stock.hear()
        if lost := self.stock.lost(deliveries):
            raise LeaseLostError(
                f"bus 'kafka': {len(lost)} of {len(deliveries)} deliveries of topic"
                f" '{self.topic}' went to others, as their partition moved or their"
                " lease was over; nothing was done",
                lost,
            )

    def close(self) -> None:
        """Give back everything unsettled and leave the group; may be repeated."""
        if not self.closed:
            self.closed = True
            self.pump.close()
