"""How often what comes again was given back, as far as an nsqd tells.

An nsqd counts the receipts of a message, and not how they ended. But it counts for a
channel how many ended with their lease: as that of a worker that died does, and that of
one that gave its message back does not. So a message was lost no more often than that.
"""

from collections.abc import Callable, Sequence
from time import monotonic

from task_core.api import BusError, Delivery

_FRESH = 0.2
"""Seconds in which an answer is not asked for again."""
_REST = 60.0
"""Seconds until those who gave no answer are asked again."""


class Losses:
    """Tells deliveries how often they were given back, at least.

    Args:
        ask: Returns how many leases have ended on the channel, or None.
    """

    def __init__(self, ask: Callable[[], int | None]) -> None:
        self._ask = ask
        self._known: int | None = None
        self._ask_at = 0.0

    def explain(self, deliveries: Sequence[Delivery]) -> None:
        """Fill in `returned` and `unsure`: each leases that ended may be another's."""
        for delivery in deliveries:
            if before := delivery.attempt - 1:
                delivery.unsure = min(before, self._most(before))
                delivery.returned = before - delivery.unsure

    def _most(self, receipts: int) -> int:
        """Return how many of so many receipts were lost at most."""
        now = monotonic()
        if now >= self._ask_at and (self._known is None or self._known < receipts):
            try:
                self._known = self._ask()
            except BusError:
                self._known = None
            self._ask_at = now + (_REST if self._known is None else _FRESH)
        return receipts if self._known is None else self._known
