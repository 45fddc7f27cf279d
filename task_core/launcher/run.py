"""One run of a worker: stamp, call, turn whatever comes out into an outcome."""

import inspect
import logging
import math
import os
from collections.abc import Awaitable, Callable, Coroutine
from operator import attrgetter
from types import TracebackType
from typing import Any

from task_core.api.worker import (
    COMPLETE,
    KINDS,
    Kind,
    Outcome,
    complete,
    failed,
)
from task_core.clock import Clock
from task_core.errors import InfoError
from task_core.launcher.at_work import tell_raised
from task_core.launcher.context import (
    TIMEOUT,
    Call,
    Job,
    RunContext,
    SharedContext,
    take_changes,
)
from task_core.launcher.plan import Hooks
from task_core.task import Result, Task

Run = Callable[[Job], None]
AsyncRun = Callable[[Job], Coroutine[Any, Any, None]]
FirstArgument = Callable[[Task], Any]
Invoke = Callable[[Task, Any], Any]
INFO = attrgetter("info")
"""What gives most workers their argument."""


def with_context(function: Callable[..., Any]) -> Invoke:
    """Return what calls a worker that takes the context alone."""
    return lambda task, context: function(context)


def with_one(function: Callable[..., Any], first: FirstArgument) -> Invoke:
    """Return what calls a worker that takes one argument."""
    if first is INFO:
        return lambda task, context: function(task.info)
    return lambda task, context: function(first(task))


def with_both(function: Callable[..., Any], first: FirstArgument) -> Invoke:
    """Return what calls a worker that takes one argument and the context."""
    return lambda task, context: function(first(task), context)


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


def make_run(
    call: Call,
    shared: SharedContext,
    clock: Clock,
    hooks: Hooks,
    leave: Callable[[int, Job], None] | None = None,
) -> Run:
    """Return what a slot calls for each job of a plain function.

    Args:
        call: The worker.
        shared, clock, hooks: As everywhere.
        leave: Gives the slot of a thread whose run does not end to another one; then,
            and only then, a run raises.
    """
    invoke, wants_context, sees_task = call.invoke, call.wants_context, call.sees_task
    forks = Fork.count  # a launcher may live in a child
    # To look at the clock twice, and at nothing else of it, is a tenth of a tiny task.
    moment, second, text, until = clock.monotonic, clock.second, "", -math.inf

    def run(job: Job) -> None:
        nonlocal text, until
        begin = moment()
        if begin >= until:
            text, until = second()
        job.task.started = text
        if wants_context:
            job.context = RunContext(job.task, job.delivery.attempt, shared)
        try:
            returned = invoke(job.task, job.context)
            job.outcome = COMPLETE if returned is None else outcome_of(returned)
        except BaseException as error:  # noqa: BLE001  also sys.exit() is an outcome
            job.outcome = outcome_of_error(error, shared.log, job)
            job.excepted = isinstance(error, shared.retry_on)
        if Fork.count != forks:
            Fork.end_child()
        if sees_task:
            take_changes(job)
        end = moment()
        if end >= until:
            text, until = second()
        job.task.ended, job.took = text, end - begin

    if not listened_to(hooks):
        return _timed(run, shared, clock, leave)
    from task_core.launcher.watch import Watch, watched  # noqa: PLC0415  few have hooks

    watch = Watch(hooks, outcome_of)
    return watched(_timed(run, shared, clock, leave, watch.after), watch, clock)


def _timed(
    run: Run,
    shared: SharedContext,
    clock: Clock,
    leave: Callable[[int, Job], None] | None,
    after: Callable[[Job], None] = lambda job: None,
) -> Run:
    """Return what heeds timeouts; `after` is called for a run that is left behind."""

    def limit() -> Run:
        # Few tasks have one.
        from task_core.launcher.timeouts import limited  # noqa: PLC0415

        if not leave:
            return limited(run, shared, clock)
        from task_core.launcher.overtime import Overtime  # noqa: PLC0415

        return limited(run, shared, clock, Overtime(shared, clock, leave, after))

    if shared.timeout is not None:
        return limit()
    found: list[Run] = []

    def run_timed(job: Job) -> None:
        if TIMEOUT not in job.task.meta:
            run(job)
            return
        if not found:
            found.append(limit())
        found[0](job)

    return run_timed


def make_async_run(
    call: Call,
    shared: SharedContext,
    clock: Clock,
    hooks: Hooks,
    make_context: Callable[[Job], RunContext],
    leave: Callable[[Job], None],
) -> AsyncRun:
    """Return what a slot awaits for each job of an `async def`.

    The twin of `make_run`: one for both would cost every plain task two calls.

    Args:
        call, shared, clock, hooks, leave: As there.
        make_context: Makes a context that can be awaited.
    """
    invoke, wants_context, sees_task = call.invoke, call.wants_context, call.sees_task
    forks = Fork.count
    moment, second, text, until = clock.monotonic, clock.second, "", -math.inf

    async def run(job: Job) -> None:
        nonlocal text, until
        begin = moment()
        if begin >= until:
            text, until = second()
        job.task.started = text
        if wants_context:
            job.context = make_context(job)
        try:
            returned = invoke(job.task, job.context)
            if hasattr(returned, "__await__"):  # a decorator may have awaited it
                returned = await returned
            job.outcome = COMPLETE if returned is None else outcome_of(returned)
        except BaseException as error:  # noqa: BLE001  also sys.exit() is an outcome
            job.outcome = outcome_of_error(error, shared.log, job)
            job.excepted = isinstance(error, shared.retry_on)
        if Fork.count != forks:
            Fork.end_child()
        if sees_task:
            take_changes(job)
        end = moment()
        if end >= until:
            text, until = second()
        job.task.ended, job.took = text, end - begin

    if not listened_to(hooks):
        return _timed_async(run, shared, clock, leave)
    from task_core.launcher.watch import (  # noqa: PLC0415  as above
        Watch,
        watched_async,
    )

    watch = Watch(hooks, outcome_of)
    timed = _timed_async(run, shared, clock, leave, watch.after)
    return watched_async(timed, watch, clock)


def listened_to(hooks: Hooks) -> bool:
    """Whether somebody listens to runs."""
    return bool(hooks.decider("task_should_run")) or any(
        map(hooks.observer, ("task_started", "task_finished"))
    )


def _timed_async(
    run: AsyncRun,
    shared: SharedContext,
    clock: Clock,
    leave: Callable[[Job], None],
    after: Callable[[Job], None] = lambda job: None,
) -> AsyncRun:
    """Return what heeds the timeout of those tasks that have one; see `_timed`."""
    from task_core.launcher.timeouts import limited_async  # noqa: PLC0415  as above

    timed = limited_async(run, shared, clock, after, leave)

    def run_timed(job: Job) -> Coroutine[Any, Any, None]:
        return timed(job) if TIMEOUT in job.task.meta else run(job)

    return run_timed if shared.timeout is None else timed


def outcome_of(returned: Any) -> Outcome:
    """Turn what a worker returned into an outcome; nonsense is an error of the task."""
    if isinstance(returned, Outcome):
        return _checked(returned)
    if returned is None:
        return COMPLETE
    if isinstance(returned, Result | Kind):
        name = f"{type(returned).__name__}.{returned.name}"
        return failed(f"the worker returned {name}: return failed(…), for example")
    if isinstance(returned, str):
        return complete(str.__str__(returned))  # text is text, whatever class it has
    if isinstance(returned, Awaitable):
        if inspect.iscoroutine(returned):
            returned.close()
        return failed("the worker returned something to await: write it as async def")
    kind = type(returned).__name__
    return failed(f"the worker returned {kind}, wanted an outcome, text or None")


def _checked(outcome: Outcome) -> Outcome:
    """Return an outcome, or an error when its author filled it with nonsense."""
    if not isinstance(outcome.msg, str):
        return failed(f"the worker's outcome holds no text: {outcome!r}")
    if outcome.kind not in KINDS:
        return failed(f"the worker's outcome is of no known kind: {outcome!r}")
    delay = outcome.delay
    if delay is not None and not (_is_number(delay) and 0 <= delay < math.inf):
        return failed(f"the worker's delay is no number of seconds: {outcome!r}")
    return outcome


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def outcome_of_error(error: BaseException, log: logging.Logger, job: Job) -> Outcome:
    """Turn an exception into an error of the task; the traceback goes to the log."""
    if isinstance(error, InfoError):
        return failed(str(error))
    trace = _worker_frames(error.__traceback__)
    tell_raised(log, job, error, trace)
    return failed(error)


def _worker_frames(trace: TracebackType | None) -> TracebackType | None:
    """Leave out our own frames: they tell the author of the worker nothing."""
    while trace and trace.tb_next and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace
