"""Deliveries that may have killed a worker: they run alone, and not for ever."""

from collections.abc import Sequence

from task_core.launcher.context import Job

FROM_ATTEMPT = 3
"""The attempt that makes a delivery suspect: a clean stop accounts for the second."""


class Quarantine:
    """Jobs that wait to run alone, with nothing else in the slots.

    Those that arrive together were held together when a worker died; one of them may
    have done it. Every other attempt begins at the other end, so that the harmless
    ones get their turn before it, and leave.

    Args:
        max_attempts: After so many receipts a delivery is dead; the last of them is
            always a run alone.
    """

    def __init__(self, max_attempts: int) -> None:
        self._from = max(2, min(FROM_ATTEMPT, max_attempts))
        self._waiting: list[Job] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def part(self, jobs: Sequence[Job]) -> list[Job]:
        """Keep the suspects among some jobs; return the others."""
        suspects = [job for job in jobs if job.delivery.attempt >= self._from]
        if not suspects:
            return list(jobs)
        if suspects[0].delivery.attempt % 2:
            suspects.reverse()
        self._waiting += suspects
        return [job for job in jobs if job.delivery.attempt < self._from]

    def next(self) -> Job:
        """Return the one whose turn it is."""
        return self._waiting.pop(0)

    def recall(self) -> list[Job]:
        """Return all that have not run."""
        waiting, self._waiting = self._waiting, []
        return waiting
