"""Hooks around runs in child processes: they are called in the parent."""

from contextvars import Context

from task_core.api.worker import failed
from task_core.clock import Clock
from task_core.launcher.at_work import AT_WORK, AtWork
from task_core.launcher.context import Job
from task_core.launcher.plan import Hooks
from task_core.launcher.processes.process import Process
from task_core.launcher.run import listened_to, outcome_of
from task_core.launcher.watch import Watch


class Watched:
    """Calls the hooks of a run, each time in context variables of its own.

    Args:
        watch: The hooks.
        clock: Stamps what does not run.
    """

    def __init__(self, watch: Watch, clock: Clock) -> None:
        self._watch = watch
        self._clock = clock

    @classmethod
    def of(cls, hooks: Hooks, clock: Clock) -> "Watched | None":
        """Return one, or None when nobody listens."""
        return cls(Watch(hooks, outcome_of), clock) if listened_to(hooks) else None

    def admit(self, one: Process, job: Job) -> bool:
        """Ask the deciders; tell whether the job runs."""
        one.context = Context()
        one.context.run(AT_WORK.set, AtWork(job=job))
        try:
            if one.context.run(self._watch.admit, job, self._clock):
                return True
        except BaseException as error:  # noqa: BLE001  a hook that exits harms no other
            job.outcome = failed(error)
        self.finished(one, job)
        return False

    def finished(self, one: Process, job: Job) -> None:
        """Tell the observers."""
        tell = self._watch.finished
        try:
            one.context.run(tell, task=job.task, outcome=job.outcome)
        except BaseException as error:  # noqa: BLE001  as above
            job.outcome = failed(error)
