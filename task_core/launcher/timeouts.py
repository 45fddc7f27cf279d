"""How long a run may take. What comes back late is an error, whatever it says."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from math import inf
from typing import Any

from task_core.api.worker import failed
from task_core.clock import Clock
from task_core.launcher.context import (
    Job,
    SharedContext,
    limit_of,
    refused,
    stamp_unrun,
)
from task_core.values import format_duration

Run = Callable[[Job], None]
AsyncRun = Callable[[Job], Coroutine[Any, Any, None]]
Oversee = Callable[[Job, float, Run], None]
"""Does a job that may take so many seconds, and sees to it that it ends."""


class TimedOut(BaseException):
    """Raised in a run that has not heeded its deadline."""


def limited(
    run: Run, shared: SharedContext, clock: Clock, oversee: Oversee | None = None
) -> Run:
    """Return what runs a plain function and drops what it returns too late.

    Args:
        run: What to call for each job.
        shared: The timeout of tasks that say nothing of their own.
        clock: Stamps what does not run.
        oversee: Sees to it that a run ends; when None, its context alone tells it.
    """

    def wait(job: Job, seconds: float, run: Run) -> None:
        deadline = shared.monotonic() + seconds
        run(job)
        if shared.monotonic() >= deadline:
            time_out(job, shared, seconds)

    do = oversee or wait

    def run_limited(job: Job) -> None:
        if _refused(job, shared, clock):
            return
        seconds = limit_of(job.task, shared.timeout)
        if seconds is None:
            run(job)
        else:
            do(job, seconds, run)

    return run_limited


def limited_async(run: AsyncRun, shared: SharedContext, clock: Clock) -> AsyncRun:
    """Return what awaits a run and cancels it at the timeout."""
    # Only for those who have an event loop: asyncio is half of a start.
    from asyncio import timeout  # noqa: PLC0415

    async def run_limited(job: Job) -> None:
        if _refused(job, shared, clock):
            return
        seconds = limit_of(job.task, shared.timeout)
        deadline = shared.monotonic() + (inf if seconds is None else seconds)
        async with timeout(seconds):
            await run(job)  # which turns the cancellation into an outcome
        if shared.monotonic() >= deadline:
            time_out(job, shared, seconds or 0.0)

    return run_limited


def _refused(job: Job, shared: SharedContext, clock: Clock) -> bool:
    """Whether a task says nonsense of its timeout: then that is its outcome."""
    try:
        limit_of(job.task, shared.timeout)
    except ValueError as error:
        job.outcome = refused(str(error))
        stamp_unrun(job.task, clock)
        return True
    return False


def time_out(job: Job, shared: SharedContext, seconds: float) -> None:
    """Put an error in place of what came late; its children are not sent."""
    allowed = format_duration(timedelta(seconds=seconds))
    job.outcome = failed(f"timed out after {allowed}")
    job.told = False
    job.excepted = any(issubclass(TimeoutError, kind) for kind in shared.retry_on)
    if job.context is not None:
        job.context.children.clear()
