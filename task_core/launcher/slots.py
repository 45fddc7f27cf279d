"""What the launcher asks of slots, whatever they are made of."""

from collections.abc import Sequence
from typing import Protocol

from task_core.launcher.job import Job


class Slots(Protocol):
    """Run jobs; take them from the exchange and put them back finished."""

    def start(self) -> None:
        """Get ready to run."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand over jobs (bus thread)."""

    def close(self) -> None:
        """End what is idle; does not wait for what is busy."""
