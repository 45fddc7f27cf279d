"""Hooks around runs: who decides whether a task runs, and who is told."""

from collections.abc import Callable, Coroutine
from typing import Any

from task_core.api.worker import Outcome, failed
from task_core.clock import Clock
from task_core.launcher.at_work import failed_by
from task_core.launcher.context import Job, stamp_unrun
from task_core.launcher.plan import Hooks

Run = Callable[[Job], None]
AsyncRun = Callable[[Job], Coroutine[Any, Any, None]]


class Watch:
    """The hooks around a run; only made when somebody listens."""

    def __init__(self, hooks: Hooks, check: Callable[[Outcome], Outcome]) -> None:
        self._check = check
        self._should_run = hooks.decider("task_should_run") or _nobody
        self._started = hooks.observer("task_started") or _nobody
        self.finished = hooks.observer("task_finished") or _nobody

    def after(self, job: Job) -> None:
        """Tell the observers that a run has ended."""
        self.finished(task=job.task, outcome=job.outcome)

    def admit(self, job: Job, clock: Clock) -> bool:
        """Ask the deciders; an outcome of theirs takes the place of the run."""
        try:
            outcome = self._should_run(task=job.task)
        except BaseException as error:  # noqa: BLE001  a decider's error is the task's
            outcome = failed_by(error, job)
        if outcome is None:
            self._started(task=job.task)
            return True
        job.outcome = _decided(outcome, self._check)
        stamp_unrun(job.task, clock)
        return False


def watched(run: Run, watch: Watch, clock: Clock) -> Run:
    """Return what asks and tells hooks around a run."""

    def run_watched(job: Job) -> None:
        begin = clock.monotonic()
        if watch.admit(job, clock):
            run(job)
        watch.finished(task=job.task, outcome=job.outcome)
        job.took = clock.monotonic() - begin

    return run_watched


def watched_async(run: AsyncRun, watch: Watch, clock: Clock) -> AsyncRun:
    """Return the same for an `async def`."""

    async def run_watched(job: Job) -> None:
        begin = clock.monotonic()
        if watch.admit(job, clock):
            await run(job)
        watch.finished(task=job.task, outcome=job.outcome)
        job.took = clock.monotonic() - begin

    return run_watched


def _decided(answer: Any, check: Callable[[Outcome], Outcome]) -> Outcome:
    if isinstance(answer, Outcome):
        return check(answer)
    kind = type(answer).__name__
    return failed(f"a task_should_run hook returned {kind}, wanted an outcome or None")


def _nobody(*args: Any, **kwargs: Any) -> None:
    """Stand in for an observer or decider that is not there."""
