"""How long a run may take. What comes back late is an error, whatever it says."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from task_core.api.worker import failed
from task_core.clock import Clock
from task_core.launcher.context import (
    Job,
    LeftBehind,
    SharedContext,
    limit_of,
    refused,
    stamp_unrun,
)
from task_core.values import format_duration
from task_core.wire import decode_task

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

Run = Callable[[Job], None]
AsyncRun = Callable[[Job], Coroutine[Any, Any, None]]
Leave = Callable[[Job], None]
"""Takes a job whose run does not end, with its outcome."""
Oversee = Callable[[Job, float, Run], None]
"""Does a job that may take so many seconds, and sees to it that it ends."""

LONGEST = 86400.0
"""Seconds that a wait can take."""
LEAST_GRACE = 0.1
"""Seconds that a run has after its deadline, whatever the kill time."""


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


def limited_async(
    run: AsyncRun, shared: SharedContext, clock: Clock, after: Leave, leave: Leave
) -> AsyncRun:
    """Return what awaits a run and cancels it at the timeout.

    Args:
        run: What to await for each job.
        shared: The timeout of tasks that say nothing of their own, and the grace.
        clock: Stamps what does not run.
        after: Called for a job whose run does not heed that for all of the grace, with
            the context variables of the run.
        leave: Called for it then: gives its slot to another one.
    """
    # Only for those who have an event loop: asyncio is half of a start.
    from asyncio import get_running_loop, timeout  # noqa: PLC0415

    def give_up(job: Job, seconds: float, begin: float) -> None:
        give_up_on(job, shared, clock, seconds, shared.monotonic() - begin)
        try:
            after(job)
        finally:
            leave(job)

    async def run_limited(job: Job) -> None:
        if _refused(job, shared, clock):
            return
        seconds = limit_of(job.task, shared.timeout)
        if seconds is None:
            await run(job)
            return
        own = Job(job.delivery, job.task)  # nobody sees what a run does that is left
        begin = shared.monotonic()
        end = partial(give_up, job, seconds, begin)
        with Patience(get_running_loop(), seconds, shared, end) as patience:
            async with timeout(seconds):
                await run(own)  # which turns the cancellation into an outcome
        if patience.over:
            raise LeftBehind
        take_over(job, own)
        if shared.monotonic() >= begin + seconds:
            time_out(job, shared, seconds)

    return run_limited


class Patience:
    """Waits for an `async def` to heed its cancellation, and gives up in the end.

    Args:
        loop: In which it runs.
        seconds: After which it is cancelled.
        shared: The grace that it has then.
        end: To be called when that is over.
    """

    def __init__(
        self,
        loop: "AbstractEventLoop",
        seconds: float,
        shared: SharedContext,
        end: Callable[[], None],
    ) -> None:
        self.over = False
        self._loop, self._shared, self._end = loop, shared, end
        self._timer = loop.call_later(seconds, self._wait)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *error: object) -> None:
        """Wait no longer."""
        self._timer.cancel()

    def _wait(self) -> None:
        """Begin only now: while others kept the loop busy, it heard of nothing."""
        self._timer = self._loop.call_later(grace_of(self._shared), self._give_up)

    def _give_up(self) -> None:
        self.over = True
        self._end()


def _refused(job: Job, shared: SharedContext, clock: Clock) -> bool:
    """Whether a task says nonsense of its timeout: then that is its outcome."""
    try:
        limit_of(job.task, shared.timeout)
    except ValueError as error:
        job.outcome = refused(str(error))
        stamp_unrun(job.task, clock)
        return True
    return False


def grace_of(shared: SharedContext) -> float:
    """Return the seconds that a run has after its deadline."""
    return min(max(shared.grace(), LEAST_GRACE), LONGEST)


def take_over(job: Job, own: Job) -> None:
    """Let a job have what its run has made of the one that it was given."""
    job.task, job.outcome = own.task, own.outcome
    job.context, job.excepted, job.told = own.context, own.excepted, own.told
    job.took = own.took


def give_up_on(
    job: Job, shared: SharedContext, clock: Clock, seconds: float, took: float
) -> None:
    """Give a job its outcome though its run has not ended: as it came, but for that.

    Args:
        job: What nobody waits for any more.
        shared, clock: As everywhere.
        seconds: How long it was allowed to take.
        took: How long that was.
    """
    started = job.task.started
    job.task = decode_task(job.delivery.body)
    job.task.started = started
    stamp_unrun(job.task, clock)
    job.took = took
    time_out(job, shared, seconds)


def time_out(job: Job, shared: SharedContext, seconds: float) -> None:
    """Put an error in place of what came late; its children are not sent."""
    allowed = format_duration(timedelta(seconds=seconds))
    job.outcome = failed(f"timed out after {allowed}")
    job.told = False
    job.excepted = any(issubclass(TimeoutError, kind) for kind in shared.retry_on)
    if job.context is not None:
        job.context.children.clear()
