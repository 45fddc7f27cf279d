"""Which task a line of the log is about: whoever logs inside of a run need not say."""

import contextlib
import logging
import threading
from collections.abc import Collection
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import msgspec

from task_core.api.worker import Kind, Outcome, failed
from task_core.errors import HookError, excerpt
from task_core.launcher.context import Job
from task_core.shown import noun, printable
from task_core.values import format_duration

OURS = ("task", "py")
"""Where names of loggers begin that are the framework's, or Python's warnings."""
MOST_NAMED = 3
"""How many tasks a line names."""
LONGEST_REASON = 500
"""Characters of a line that says why a task failed."""

log = logging.getLogger("task")


class AtWork:
    """A slot and its job. One for many jobs, so that a job costs nothing more.

    Args:
        worker: Name of the worker.
        job: What the slot is at, or was at last.
    """

    __slots__ = ("job", "worker")

    def __init__(self, worker: str = "", job: Job | None = None) -> None:
        self.worker = worker
        self.job = job


AT_WORK: ContextVar[AtWork | None] = ContextVar("at_work", default=None)
"""The slot that runs this code."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The task that a line of the log is about.

    Args:
        type, id, info: Of the task.
        position: Where its message is in the topic, if the bus knows.
        attempt: The how-manyth receipt it is.
        worker: Name of the worker, where that is known.
    """

    type: str
    id: str
    info: str
    attempt: int
    worker: str = ""
    position: str = ""

    def __str__(self) -> str:
        """Name the task: by its type, its id (else its info and place), the attempt.

        Example:
            >>> str(About(type="load", id="", info="a.csv", attempt=2, position="17"))
            "load 'a.csv' at 17, attempt 2"
        """
        at = f" at {self.position}" if self.position else ""
        named = self.id or f"{excerpt(self.info)}{at}"
        # Who sends a task must not write lines of the log.
        return printable(f"{self.type} {named}, attempt {self.attempt}")


def name_of(job: Job) -> str:
    """Name the task of a job for people."""
    return str(facts_of(job))


def place_of(job: Job) -> str:
    """Return where the message of a task without id is, as far as the bus tells."""
    return "" if job.task.id else job.delivery.place


def facts_of(job: Job, worker: str = "") -> About:
    """Return what lines of the log say of a job."""
    task = job.task
    return About(
        type=str(task.type),
        id=str(task.id),
        info=str(task.info),
        attempt=job.delivery.attempt,
        worker=worker,
        position=place_of(job),
    )


def about(job: Job) -> dict[str, Any]:
    """Return the `extra` of a line about a job, wherever it is logged."""
    slot = AT_WORK.get()
    return {} if slot is not None and slot.job else {"at_work": facts_of(job)}


def stop_line(jobs: Collection[Job], seconds: float) -> str:
    """Say what a stop waits for.

    Args:
        jobs: What is running.
        seconds: How long it may take.
    """
    if not jobs:
        return "stopping: nothing is running"
    names = [name_of(job) for job in jobs]
    others = len(names) - MOST_NAMED
    more = f" and {others:,} more" if others > 0 else ""
    time = format_duration(timedelta(seconds=round(seconds, 3)))
    count = f"{len(names):,} {noun(len(names), 'task')}"
    return (
        f"stopping: waits up to {time} for {count} to finish (a second signal ends it"
        f" at once): {'; '.join(names[:MOST_NAMED])}{more}"
    )


def tell_raised(
    log: logging.Logger, job: Job, error: BaseException, trace: Any
) -> None:
    """Log that a worker raised, with where it did.

    Args:
        log: Logger of the worker.
        job: What it was at.
        error, trace: What it raised, and its traceback.
    """
    log.error(
        "the worker raised: task %s",
        name_of(job),
        exc_info=(type(error), error, trace),
        extra=about(job),
    )
    job.told = True


def tell_failed(job: Job, *, again: bool = False) -> None:
    """Log why a task failed, unless that was told: of what it raised, by a traceback.

    What the end of the launcher interrupts is not told: that end was.

    Args:
        job: It has its outcome.
        again: Whether it runs again.
    """
    outcome, is_alert = job.outcome, job.outcome.kind == Kind.ALERT
    if job.told or job.killed or outcome.kind == Kind.INTERRUPTED:
        return
    level = logging.ERROR if is_alert else logging.WARNING
    if not log.isEnabledFor(level):
        return
    how = "alert" if is_alert else "failed and runs again" if again else "failed"
    reason = " ".join(outcome.msg[:LONGEST_REASON].split())
    text = f"{how}: {reason}" if reason else how
    log.log(level, "task %s, %s", name_of(job), text, extra=about(job))


def failed_by(error: BaseException, job: Job) -> Outcome:
    """Return the outcome of a task over which something raised: a decider, perhaps.

    What is the mistake of a hook is logged, as that of an observer is.
    """
    job.told = isinstance(error, HookError)
    if job.told:
        hooks_log = logging.getLogger("task.hooks")
        hooks_log.error("%s", error, extra=about(job))
        hooks_log.debug("the traceback", exc_info=error)
    return failed(error)


def take_logs(handler: logging.Handler) -> None:
    """Have a handler get all that is logged, Python's warnings too, with the task.

    Again after each import of user code: what sets up logging there, in its usual way,
    silences all loggers that it does not name.
    """
    root = logging.getLogger()
    root.addHandler(handler)
    logging.setLogRecordFactory(Record)
    logging.captureWarnings(True)
    for name, one in [*root.manager.loggerDict.items()]:
        if name.partition(".")[0] in OURS and isinstance(one, logging.Logger):
            one.disabled = False
    if threading.excepthook is threading.__excepthook__:  # and nobody else's
        threading.excepthook = tell_thread


def tell_thread(args: threading.ExceptHookArgs) -> None:
    """Log what has ended a thread that user code has started."""
    if args.exc_type is not SystemExit:
        name = args.thread.name if args.thread else "a thread"
        log.error("thread %s raised", name, exc_info=args.exc_value)


class Handler(logging.Handler):
    """A handler that never raises: a line that cannot be told ends no slot."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Tell why, if that can be told: user code may have closed `sys.stderr`."""
        with contextlib.suppress(Exception):
            super().handleError(record)


class Record(logging.LogRecord):
    """A log record that knows in which task it was made.

    Args:
        at_work: What the line is about; None outside of tasks.
    """

    at_work: About | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slot = AT_WORK.get()
        if slot is not None and slot.job is not None:
            self.at_work = facts_of(slot.job, slot.worker)
