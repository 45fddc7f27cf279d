"""How long a run may take. What comes back late is an error, whatever it says."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from task_core.api.worker import failed
from task_core.launcher.context import Job, SharedContext
from task_core.values import format_duration


def limited(run: Callable[[Job], None], shared: SharedContext) -> Callable[[Job], None]:
    """Return what runs a plain function and drops what it returns too late.

    Nothing ends a thread: its context says that it is cancelled, and it may heed that.
    """
    if shared.timeout is None:
        return run
    seconds = shared.timeout

    def run_limited(job: Job) -> None:
        deadline = shared.monotonic() + seconds
        run(job)
        if shared.monotonic() >= deadline:
            time_out(job, shared)

    return run_limited


def limited_async(
    run: Callable[[Job], Coroutine[Any, Any, None]], shared: SharedContext
) -> Callable[[Job], Coroutine[Any, Any, None]]:
    """Return what awaits a run and cancels it at the timeout."""
    if shared.timeout is None:
        return run
    seconds = shared.timeout
    # Only for those who have an event loop: asyncio is half of a start.
    from asyncio import timeout  # noqa: PLC0415

    async def run_limited(job: Job) -> None:
        deadline = shared.monotonic() + seconds
        async with timeout(seconds):
            await run(job)  # which turns the cancellation into an outcome
        if shared.monotonic() >= deadline:
            time_out(job, shared)

    return run_limited


def time_out(job: Job, shared: SharedContext) -> None:
    """Put an error in place of what came late; its children are not sent."""
    assert shared.timeout is not None  # else nobody is late
    allowed = format_duration(timedelta(seconds=shared.timeout))
    job.outcome = failed(f"timed out after {allowed}")
    job.excepted = any(issubclass(TimeoutError, kind) for kind in shared.retry_on)
    if job.context is not None:
        job.context.children.clear()
