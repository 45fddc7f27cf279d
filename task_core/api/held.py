"""The deliveries that a consumer has handed out, for buses that keep no such list."""

import math
from collections.abc import Iterable, Sequence
from time import monotonic

from task_core.api.message import Delivery


class Held:
    """Deliveries that are neither settled nor given back, each with its local deadline.

    Brokers accept what comes after the end of a lease, and others have the message by
    then. So the end is reckoned here, from the receipt on.

    Args:
        lease: Seconds until a delivery counts as lost; infinite without leases.
    """

    def __init__(self, lease: float = math.inf) -> None:
        self._lease = lease
        self._ends: dict[int, tuple[Delivery, float]] = {}

    @property
    def deliveries(self) -> list[Delivery]:
        """All that nobody else can have yet, the oldest first."""
        now = monotonic()
        return [delivery for delivery, ends in self._ends.values() if ends > now]

    def end(self) -> float:
        """Return when a lease ends that begins now."""
        return monotonic() + self._lease

    def add(self, deliveries: Iterable[Delivery], ends: float | None = None) -> None:
        """Note that these were handed out, or that their leases begin anew.

        Args:
            deliveries: Which.
            ends: When their leases end; as of those that begin now when None.
        """
        ends = self.end() if ends is None else ends
        for one in deliveries:
            self._ends[id(one)] = one, ends

    def remove(self, deliveries: Iterable[Delivery]) -> None:
        """Note that these are settled or given back."""
        for one in deliveries:
            self._ends.pop(id(one), None)

    def lost(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Return those that others may have by now, or that are settled already.

        They stay lost: nothing more is remembered of them.
        """
        now, known = monotonic(), self._ends
        lost = [
            one
            for one in deliveries
            if (held := known.get(id(one))) is None or held[1] <= now
        ]
        if lost:
            self.remove(lost)
        return lost
