"""Deliveries that may have killed a worker: they run alone, and not for ever.

A receipt that ended without an outcome, and without being given back, is a *loss*: the
process that held it died, and one of all that it held did it. Who did it cannot be
known, for nothing but the broker's counts outlives the process. So what has a loss is
held by nobody together with anything else: it is received alone, and runs alone. The
harmless ones then leave at once; only the one that kills gets further losses.

So the first loss of a message says little about it, and each further one nearly all:
only what another one kills in the moment before it is given back has one too many. Some
brokers, besides, take for a loss what a stop has given back (`Delivery.unsure`).
Therefore `--max-attempts` is kept to the letter where one is held at a time, and has a
least value elsewhere.

A launcher that has just started may be the successor of one that was killed. So it
receives one message first, then two, four, and so on, as long as none has a loss.
"""

import sys
from collections import Counter

from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery
from task_core.launcher.context import Job

LEAST_TOGETHER = 3
"""Losses that are never too many where several are held at a time."""
LEAST_UNSURE = 5
"""The same where some of them may be none."""
MOST_REMEMBERED = 10_000
"""Messages that came twice and are remembered."""


class Quarantine:
    """Tells what may kill, and holds it back until nothing else runs.

    Args:
        max_attempts: After so many losses a delivery is dead.
        capabilities: Those of the bus: without `attempts` nobody is suspect.
        alone: Whether no more than one delivery is ever held.
    """

    def __init__(
        self, max_attempts: int, capabilities: Capabilities, *, alone: bool = False
    ) -> None:
        self._most = max_attempts if alone else max(LEAST_TOGETHER, max_attempts)
        self._most_unsure = max(LEAST_UNSURE, max_attempts)
        self.counts = capabilities.attempts
        """Whether the bus counts receipts: otherwise nobody is ever suspect."""
        self._returns = capabilities.nack
        self.width = 1 if self.counts else sys.maxsize
        """How many deliveries may be held, until it is known that none is suspect."""
        self.waiting: list[Job] = []
        """Those that have yet to run."""
        self._survived: Counter[int] = Counter()  # by the hash of the body
        self._outages = 0

    def __len__(self) -> int:
        return len(self.waiting)

    def note_outage(self) -> None:
        """Note that the bus was away: what it has then lost, nobody has killed."""
        self._outages += 1

    def is_dead(self, delivery: Delivery) -> bool:
        """Whether it has cost so many workers their life that it must not run."""
        losses = self._losses(delivery)
        return losses - delivery.unsure >= self._most or losses >= self._most_unsure

    def part(self, jobs: list[Job]) -> tuple[list[Job], list[Job]]:
        """Split jobs into those that nobody suspects, and the others."""
        attempts = [job.delivery.attempt for job in jobs] if self.counts else ()
        if max(attempts, default=1) == 1:
            self.width = min(self.width * 2, sys.maxsize)
            return jobs, []
        harmless: list[Job] = []
        suspects: list[Job] = []
        for job in jobs:
            suspect = self._losses(job.delivery) > 0
            (suspects if suspect else harmless).append(job)
            self._remember(job.delivery)
        self.width = 1 if suspects else self.width * 2
        return harmless, suspects

    def admit(self, suspects: list[Job], *, alone: bool) -> list[Job]:
        """Take in suspects that were received; return those to be given back.

        Args:
            suspects: Them.
            alone: Whether nothing else is held.
        """
        order = sorted(suspects, key=lambda job: -self._losses(job.delivery))
        if self._returns:
            self.waiting += order[:1] if alone else []
            return order[1:] if alone else order
        # Nobody takes them back: each round begins elsewhere, so that what lies
        # between two that kill has its turn too.
        losses = self._losses(order[0].delivery) if order else 0
        start = int(len(suspects) * _halves(losses - 1))
        self.waiting += suspects[start:] + suspects[:start]
        return []

    def next(self) -> Job:
        """Return the one whose turn it is."""
        return self.waiting.pop(0)

    def recall(self) -> list[Job]:
        """Return all that have not run."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def _losses(self, delivery: Delivery) -> int:
        """Receipts before this one that ended in a way that nobody can explain."""
        if delivery.attempt == 1:
            return 0
        survived = self._survived[hash(delivery.body)]
        explained = max(delivery.returned, survived) + self._outages
        return max(0, delivery.attempt - 1 - explained)

    def _remember(self, delivery: Delivery) -> None:
        """Remember a receipt: if it comes again to this process, it has not killed."""
        if delivery.attempt > 1 + delivery.returned:
            if len(self._survived) >= MOST_REMEMBERED:
                self._survived.clear()
            self._survived[hash(delivery.body)] += 1


def _halves(number: int) -> float:
    """Return 0, 1/2, 1/4, 3/4, 1/8, 5/8 … for 0, 1, 2, 3, 4, 5 …."""
    value, part = 0.0, 0.5
    while number > 0:
        value += part * (number & 1)
        number, part = number >> 1, part / 2
    return value
