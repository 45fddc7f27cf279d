"""Which child process gets how much of what waits: as little as keeps all busy."""

from collections.abc import Sequence

from task_core.clock import Clock
from task_core.launcher.context import Job
from task_core.launcher.handover import Handover
from task_core.launcher.processes.frames import Done
from task_core.launcher.processes.process import Process
from task_core.launcher.processes.watched import Watched

AHEAD = 0.005
"""Seconds of work that a process has in store, so that it never waits for the next."""
MOST_AHEAD = 64
"""Most tasks that it has, however tiny they are."""


class Feeder:
    """Gives jobs to processes.

    Args:
        handover: Where jobs come from.
        watched: The hooks around runs, or None.
        clock: Stamps what begins.
        lazy: Whether a process is given a job only when it has none.
    """

    def __init__(
        self, handover: Handover, watched: Watched | None, clock: Clock, *, lazy: bool
    ) -> None:
        self._handover = handover
        self._watched = watched
        self._clock = clock
        self._most_ahead = 1 if lazy or watched else MOST_AHEAD
        self._ahead = 1

    def feed(self, processes: Sequence[Process], now: float) -> None:
        """Give what waits to who has least."""
        waiting = self._handover.waiting
        takers = [one for one in processes if one.has_room(self._ahead, now)]
        takers.sort(key=lambda one: len(one.jobs))
        for at, one in enumerate(takers):
            share = -(-len(waiting) // (len(takers) - at))
            self._give(one, min(share, self._ahead - len(one.jobs)), now)

    def learn(self, done: Sequence[Done]) -> None:
        """Learn from runs how much is worth being in store."""
        mean = sum(message.took for message in done) / len(done)
        worth = min(int(AHEAD / max(mean, 1e-9)), 2 * self._ahead)
        self._ahead = max(1, min(worth, self._most_ahead))

    def _give(self, one: Process, count: int, now: float) -> None:
        jobs: list[Job] = []
        while len(jobs) < count:
            try:
                job = self._handover.waiting.popleft()
            except IndexError:  # the bus thread took them back
                break
            if self._watched is None or self._watched.admit(job):
                jobs.append(job)
            else:
                self._handover.finished.append(job)
        if jobs:
            one.give(jobs, now, self._clock.stamp())
