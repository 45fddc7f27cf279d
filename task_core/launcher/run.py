"""One run of a worker: stamp, call, turn whatever comes out into an outcome."""

import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any

from msgspec.structs import asdict, astuple

from task_core.api.worker import COMPLETE, Outcome, describe, failed
from task_core.clock import Clock
from task_core.errors import InfoError
from task_core.launcher import call as call_module
from task_core.launcher.call import Call, outcome_of
from task_core.launcher.context import RunContext, Surroundings
from task_core.launcher.hooks import Hooks
from task_core.launcher.job import Job, stamp_unrun
from task_core.wire import decode_task

Run = Callable[[Job], None]


class Fork:
    """Notices that a worker forked and came back in the child.

    Args:
        count: How many forks lie between this process and the first one.
    """

    count = 0

    @classmethod
    def note(cls) -> None:
        """Remember that this process is a child."""
        cls.count += 1

    @staticmethod
    def end_child() -> None:
        """End it: it has a copy of the slot but no bus thread."""
        text = f"task: a worker forked; its child {os.getpid()} came back and was ended"
        os.write(2, f"{text}\n".encode())
        os._exit(70)


os.register_at_fork(after_in_child=Fork.note)


def make_run(call: Call, surroundings: Surroundings, clock: Clock, hooks: Hooks) -> Run:
    """Return what a slot calls for each job of a plain function; it never raises."""
    invoke, stamp, wants_context = call.invoke, clock.stamp, call.wants_context
    sees_task = call.sees_task
    forks = Fork.count  # a launcher may live in a child itself

    def run(job: Job) -> None:
        task = job.task
        task.started = stamp()
        context = None
        if wants_context:
            context = RunContext(task, job.delivery.attempt, surroundings)
            job.context = context
        try:
            returned = invoke(task, context)
            job.outcome = COMPLETE if returned is None else outcome_of(returned)
        except BaseException as error:  # noqa: BLE001  also sys.exit() is an outcome
            job.outcome = outcome_of_error(error, surroundings.log)
        if Fork.count != forks:
            Fork.end_child()
        if context is not None:
            merge_meta(job, context)
        if sees_task:
            keep_text(job)
        job.task.ended = stamp()

    watch = Watch.of(hooks)
    return _watched(run, watch, clock) if watch else run


def _watched(run: Run, watch: "Watch", clock: Clock) -> Run:
    def run_watched(job: Job) -> None:
        if watch.admit(job, clock):
            run(job)
        watch.finished(task=job.task, outcome=job.outcome)

    return run_watched


def merge_meta(job: Job, context: RunContext) -> None:
    """Put the worker's meta into the task; nonsense in it is an error of the task."""
    try:
        context.merge_meta()
    except Exception as error:  # noqa: BLE001  it may be lazy code of the worker's
        job.outcome = failed(f"the worker's meta is no text: {describe(error)}")


def keep_text(job: Job) -> None:
    """Undo what a worker did to its task when the wire cannot carry it."""
    try:
        "".join(astuple(job.task))
    except TypeError:
        changed = job.task
        job.task = decode_task(job.delivery.body)
        job.task.started = str(changed.started)
        names = [n for n, v in asdict(changed).items() if not isinstance(v, str)]
        fields = ", ".join(names)
        job.outcome = failed(f"the worker put something that is no text in: {fields}")


def outcome_of_error(error: BaseException, log: logging.Logger) -> Outcome:
    """Turn an exception into an error of the task; the traceback goes to the log."""
    if isinstance(error, InfoError):
        return failed(str(error))
    trace = _worker_frames(error.__traceback__)
    log.error("the worker raised", exc_info=(type(error), error, trace))
    return failed(error)


def _worker_frames(trace: TracebackType | None) -> TracebackType | None:
    """Leave out our own frames: they tell the author of the worker nothing."""
    ours = {__file__, call_module.__file__}
    while trace and trace.tb_next and trace.tb_frame.f_code.co_filename in ours:
        trace = trace.tb_next
    return trace


class Watch:
    """The hooks around a run; only made when somebody listens."""

    def __init__(self, hooks: Hooks) -> None:
        self._should_run = hooks.decider("task_should_run") or _nobody
        self._started = hooks.observer("task_started") or _nobody
        self.finished = hooks.observer("task_finished") or _nobody

    @classmethod
    def of(cls, hooks: Hooks) -> "Watch | None":
        """Return a watch, or None when nobody listens."""
        listens = hooks.decider("task_should_run") or any(
            map(hooks.observer, ("task_started", "task_finished"))
        )
        return cls(hooks) if listens else None

    def admit(self, job: Job, clock: Clock) -> bool:
        """Ask the deciders; an outcome of theirs takes the place of the run."""
        try:
            outcome = self._should_run(task=job.task)
        except Exception as error:  # noqa: BLE001  a decider's error is the task's
            outcome = failed(error)
        if outcome is None:
            self._started(task=job.task)
            return True
        job.outcome = _decided(outcome)
        stamp_unrun(job.task, clock)
        return False


def _decided(answer: Any) -> Outcome:
    if isinstance(answer, Outcome):
        return outcome_of(answer)
    kind = type(answer).__name__
    return failed(f"a task_should_run hook returned {kind}, wanted an outcome or None")


def _nobody(*args: Any, **kwargs: Any) -> None:
    """Stand in for an observer or decider that is not there."""
