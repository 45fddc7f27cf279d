"""How often what comes again was given back, as far as an nsqd tells.

An nsqd counts the receipts of a message, and not how they ended. But it counts for a
channel how many ended with their lease: as that of a worker that died does, and that of
one that gave its message back does not. So a message was lost no more often than that.
"""

import threading
from collections.abc import Callable, Sequence
from time import monotonic

from task_core.api import BusError, Delivery

_FRESH = 0.2
"""Seconds in which an answer is not asked for again."""
_REST = 60.0
"""Seconds until those who gave no answer are asked again."""
_PATIENCE = 1.0
"""Seconds to wait for an answer: whoever works meanwhile renews no lease."""


class Losses:
    """Tells deliveries how often they were given back, at least.

    Asks beside the thread that receives. Of those who were slow the answer is not
    awaited again until they have been quick; until it is there, nothing is known.

    Args:
        ask: Returns how many leases have ended on the channel of so many nsqds, or
            None; called in a thread of its own.
        nsqds: Returns how many have the channel.
    """

    def __init__(
        self, ask: Callable[[int], int | None], nsqds: Callable[[], int]
    ) -> None:
        self._ask = ask
        self._nsqds = nsqds
        self._known: int | None = None
        self._ask_at = 0.0
        self._is_quick = True
        self._answered = threading.Event()
        self._answered.set()

    def explain(self, deliveries: Sequence[Delivery]) -> None:
        """Fill in `returned` and `unsure`: each leases that ended may be another's."""
        for delivery in deliveries:
            if before := delivery.attempt - 1:
                delivery.unsure = min(before, self._most(before))
                delivery.returned = before - delivery.unsure

    def _most(self, receipts: int) -> int:
        """Return how many of so many receipts were lost at most."""
        if self._answered.is_set():
            known = self._known
            if (known is None or known < receipts) and monotonic() >= self._ask_at:
                self._begin_to_ask()
        known = self._known if self._answered.is_set() else None
        return receipts if known is None else known

    def _begin_to_ask(self) -> None:
        self._answered.clear()
        given = self._nsqds(), monotonic()
        threading.Thread(
            target=self._look, args=given, name="nsq-losses", daemon=True
        ).start()
        self._answered.wait(_PATIENCE if self._is_quick else 0.0)

    def _look(self, nsqds: int, begun: float) -> None:
        try:
            self._known = self._ask(nsqds)
        except (BusError, RuntimeError):  # at the end of a program no thread begins
            self._known = None
        finally:
            now = monotonic()
            self._is_quick = now - begun < _PATIENCE
            self._ask_at = now + (_REST if self._known is None else _FRESH)
            self._answered.set()
