"""Tasks that are not done, of phases of which one is to run at a time."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from task_core.api import format_duration
from task_taskmaster_workflow.phase import Overlap, Phase

if TYPE_CHECKING:  # a library that takes long to load
    from task_store import Store

LONGEST = timedelta(days=1)
"""A task that is not done after that, or after its deadline if that is later, is lost.

It has killed its workers, was dropped, or was put aside: nobody tells of its end.
"""


class Running:
    """The tasks of phases that are not done, as the store has them.

    Args:
        store: Where they are.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store

    def begin(self, tasks: Iterable[tuple[Phase, str]]) -> None:
        """Note tasks that are about to be sent, by their ids."""
        for phase, id_ in tasks:
            if phase.overlap is not Overlap.ALLOW:
                self._store.progress.advance(phase.runs, id_, self._store.now())

    def end(self, tasks: Iterable[tuple[Phase, str]]) -> None:
        """Forget tasks that are done."""
        for phase, id_ in tasks:
            if phase.overlap is not Overlap.ALLOW:
                self._store.progress.forget(phase.runs, id_)

    def since(self, phase: Phase) -> dict[str, float]:
        """Return since when which tasks of a phase are not done, the oldest first.

        None where its tasks may run side by side.
        """
        if phase.overlap is Overlap.ALLOW:
            return {}
        found = self._store.progress.load(phase.runs)
        return dict(sorted(found.items(), key=lambda it: it[1]))

    def lost(self, phase: Phase) -> list[str]:
        """Return which tasks of a phase are not done for too long."""
        early = self._store.now() - longest(phase)
        return [id_ for id_, since in self.since(phase).items() if since < early]


def longest(phase: Phase) -> float:
    """Return after how many seconds a task of a phase that is not done is lost.

    Each of its retries may take as long, and waits before.
    """
    once = max(LONGEST, phase.deadline or LONGEST).total_seconds()
    return (phase.retry + 1) * once + phase.retry * phase.retry_max.total_seconds()


def lost_text(phase: Phase, id_: str) -> str:
    """Return the line that tells of a task that is lost, for people."""
    length = format_duration(timedelta(seconds=longest(phase)))
    return f"{phase} waits no longer for its task {id_}: it is not done after {length}"
