"""Hooks around runs in child processes: they are called in the parent."""

from collections.abc import Collection
from contextvars import Context

from task_core.api.worker import failed
from task_core.clock import Clock
from task_core.launcher.at_work import AT_WORK, AtWork
from task_core.launcher.context import Job
from task_core.launcher.plan import Hooks
from task_core.launcher.run import listened_to, outcome_of
from task_core.launcher.watch import Watch


class Watched:
    """Calls the hooks of a run, each time in context variables of its own.

    These belong to the job: a process that retires may give it back, and who was
    admitted once is not admitted again.

    Args:
        watch: The hooks.
        clock: Stamps what does not run.
    """

    def __init__(self, watch: Watch, clock: Clock) -> None:
        self._watch = watch
        self._clock = clock
        self._admitted: dict[Job, Context] = {}

    @classmethod
    def of(cls, hooks: Hooks, clock: Clock) -> "Watched | None":
        """Return one, or None when nobody listens."""
        return cls(Watch(hooks, outcome_of), clock) if listened_to(hooks) else None

    def admit(self, job: Job) -> bool:
        """Ask the deciders, unless they were; tell whether the job runs."""
        if job in self._admitted:
            return True
        self._admitted[job] = context = Context()
        context.run(AT_WORK.set, AtWork(job=job))
        try:
            if context.run(self._watch.admit, job, self._clock):
                return True
        except BaseException as error:  # noqa: BLE001  a hook that exits harms no other
            job.outcome = failed(error)
        self.finished(job)
        return False

    def left(self, held: Collection[Job | None]) -> None:
        """Tell the observers of what was admitted, and will not run here.

        Args:
            held: What processes have: that ends as it ends.
        """
        for job in {*self._admitted}.difference(held):
            self.finished(job)

    def finished(self, job: Job) -> None:
        """Tell the observers that what was admitted has ended, run or not."""
        context = self._admitted.pop(job, None)
        if context is None:
            return
        tell = self._watch.finished
        try:
            context.run(tell, task=job.task, outcome=job.outcome)
        except BaseException as error:  # noqa: BLE001  as above
            job.outcome = failed(error)
