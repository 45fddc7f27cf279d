"""Tasks whose process died of them: given back and counted, and not for ever."""

import logging
from collections import Counter

import msgspec

from task_core.api.bus import Bus, Consumer
from task_core.api.message import Delivery
from task_core.launcher.at_work import about, facts_of
from task_core.launcher.context import Job
from task_core.launcher.in_flight import InFlight
from task_core.launcher.outbox import Outbox
from task_core.launcher.plan import Plan

MOST_REMEMBERED = 10_000
"""Tasks that have killed a process and are remembered."""

log = logging.getLogger("task")


class Crashes:
    """Decides what becomes of a task that has cost a process its life.

    Where the bus takes tasks back, it is given back; when it has killed `max_attempts`
    times, it is dead. Elsewhere its outcome is an error. What was given back by clean
    stops does not count; but of the deaths that other launchers have seen nothing else
    is known, so who kills here again is dead after as many receipts.

    Args:
        plan: Tells the limit.
        bus: Tells what it can take back, and whether it counts.
        in_flight: Gives back.
        outbox: Takes what is dead.
    """

    def __init__(
        self, plan: Plan, bus: Bus, in_flight: InFlight, outbox: Outbox
    ) -> None:
        self._most = plan.max_attempts
        self._returns = bus.capabilities.nack
        self._in_flight = in_flight
        self._outbox = outbox
        self._deaths: Counter[int] = Counter()  # by the hash of the body

    def sort(self, jobs: list[Job], consumer: Consumer) -> list[Job]:
        """Deal with what has killed; return the rest, errors among it."""
        return [job for job in jobs if not (job.killed and self._sorted(job, consumer))]

    def _sorted(self, job: Job, consumer: Consumer) -> bool:
        """Give a job back, or make it a dead letter; or leave it as it is."""
        delivery = job.delivery
        deaths = self._count(delivery)
        times = max(delivery.attempt, deaths)
        dead = self._returns and self._are_too_many(deaths, delivery)
        if dead:
            reason = f"its process {job.killed}, at receipt {times}"
            self._outbox.add_dead(delivery, reason)
        elif self._returns:
            self._in_flight.give_back([job], consumer)
        fate = "it is dead" if dead else "it is given back"
        log.error(
            "task %s: its process %s; %s",
            msgspec.structs.replace(facts_of(job), attempt=times),
            job.killed,
            fate if self._returns else "it is done with an error",
            extra=about(job),
        )
        return self._returns

    def _count(self, delivery: Delivery) -> int:
        """Return how often a task has killed here, this time included."""
        if len(self._deaths) >= MOST_REMEMBERED:
            self._deaths.clear()
        key = hash(delivery.body)
        self._deaths[key] += 1
        return self._deaths[key]

    def _are_too_many(self, deaths: int, delivery: Delivery) -> bool:
        if deaths > 1 and delivery.attempt >= self._most:
            return True
        stops = max(0, delivery.returned - (deaths - 1))  # or deaths in other launchers
        return max(deaths, delivery.attempt - stops) >= self._most
