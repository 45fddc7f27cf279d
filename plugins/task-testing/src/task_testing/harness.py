"""Running one task in a test: no bus, no launcher, no process."""

import inspect
import logging
from collections.abc import Callable
from typing import Any

import attrs
import msgspec

from task_core.api.message import Delivery
from task_core.api.plugin import NoOptions, TaskmasterPlugin, WorkerPlugin
from task_core.api.worker import Outcome, Worker
from task_core.clock import SystemClock
from task_core.errors import UsageError
from task_core.launcher import coroutines
from task_core.launcher.call import Call, compile_call
from task_core.launcher.cancel import Cancel
from task_core.launcher.context import Surroundings
from task_core.launcher.exchange import Exchange
from task_core.launcher.hooks import NoHooks
from task_core.launcher.job import Job
from task_core.launcher.run import make_run
from task_core.task import Task
from task_core.wire import encode_task

AnyWorker = WorkerPlugin | Worker | Callable[..., Any]
"""A plugin, a `Worker` class or object, or a function."""

_A_DAY = 86400.0


@attrs.frozen(kw_only=True)
class Trial:
    """All that came out of one run.

    Args:
        done: The done task, as the bus would get it.
        outcome: What the worker returned; tells `again`, `delay` and `unfinished`.
        children: What it sent, in order, each with its topic.
    """

    done: Task
    outcome: Outcome
    children: list[tuple[Task, str]]


def run_worker(
    worker: AnyWorker, task: Task | str, *, options: Any = None, attempt: int = 1
) -> Task:
    """Run one task as the launcher would, and return the done task.

    An exception in the worker is an `error` of the task, with its traceback in the log.

    Args:
        worker: A plugin (what `@worker` returns), a `Worker`, or a function.
        task: The task, which is left as it is, or its info.
        options: The plugin's options; their defaults when not given.
        attempt: What `ctx.attempt` is to say.

    Raises:
        WorkerError: The launcher could not call such a worker.
        UsageError: The plugin has options that must be given.

    Example:
        >>> run_worker(lambda info: f"Hello {info}", "world").msg
        'Hello world'
    """
    return try_worker(worker, task, options=options, attempt=attempt).done


def try_worker(
    worker: AnyWorker,
    task: Task | str,
    *,
    options: Any = None,
    attempt: int = 1,
    cancelled: bool = False,
) -> Trial:
    """Run one task and return all that came out: done task, outcome, children.

    Args:
        worker, task, options, attempt: As for `run_worker`.
        cancelled: Run as if the launcher were stopping.

    Raises:
        WorkerError, UsageError: As `run_worker`.

    Example:
        >>> def split(info, ctx):
        ...     for part in info.split(","):
        ...         ctx.send(Task.new("part", part))
        >>> trial = try_worker(split, "a,b")
        >>> [(child.info, topic) for child, topic in trial.children]
        [('a', 'part'), ('b', 'part')]
    """
    if options is None:
        options = _defaults(worker)
    made = _make(worker, options)
    call = compile_call(made)
    job = _job(worker, task, attempt)
    cancel = Cancel()
    surroundings = Surroundings(
        cancel=cancel,
        log=logging.getLogger(f"task.worker.{_name(worker)}"),
        options=options,
    )
    _perform(call, job, surroundings, cancelled)
    if made is not worker:  # what the test made, the test closes
        call.close()
    return _trial(job)


def default_options(plugin: WorkerPlugin | TaskmasterPlugin) -> Any:
    """Return the options that a plugin has when nothing sets any.

    Raises:
        UsageError: Some must be given.
    """
    try:
        return plugin.options()
    except TypeError as error:
        text = f"'{plugin.name}' has options without a default: give options="
        raise UsageError(f"{text} ({error})") from None


def _defaults(worker: AnyWorker) -> Any:
    """Return a worker's options with their defaults; None when it declares none."""
    if not isinstance(worker, WorkerPlugin) or worker.options is NoOptions:
        return None
    return default_options(worker)


def _make(worker: AnyWorker, options: Any) -> Worker | Callable[..., Any]:
    if isinstance(worker, WorkerPlugin):
        return worker.make(NoOptions() if options is None else options)
    if inspect.isclass(worker) and issubclass(worker, Worker):
        make: Callable[..., Worker] = worker
        return make() if options is None else make(options)
    return worker


def _name(worker: AnyWorker) -> str:
    if isinstance(worker, WorkerPlugin):
        return worker.type
    return str(getattr(worker, "__name__", type(worker).__name__)).lower()


def _job(worker: AnyWorker, task: Task | str, attempt: int) -> Job:
    if isinstance(task, str):
        task = Task.new(_name(worker), task)
    delivery = Delivery(encode_task(task), None, attempt)
    return Job(delivery, msgspec.structs.replace(task))


def _perform(call: Call, job: Job, surroundings: Surroundings, cancelled: bool) -> None:
    if call.is_async:
        _perform_async(call, job, surroundings, cancelled)
        return
    if cancelled:
        surroundings.cancel.request()
    make_run(call, surroundings, SystemClock(), NoHooks())(job)


def _perform_async(
    call: Call, job: Job, surroundings: Surroundings, cancelled: bool
) -> None:
    """Run in a real slot: its loop has its own thread, so async tests can call this."""
    exchange = Exchange()
    slots = coroutines.make_slots(
        1, call, exchange, surroundings, SystemClock(), NoHooks()
    )
    slots.start()
    if cancelled:
        surroundings.cancel.request()
    slots.submit([job])
    while not exchange.collect():
        exchange.sleep(_A_DAY, wake_at=1)
    slots.close()


def _trial(job: Job) -> Trial:
    job.task.result, job.task.msg = job.outcome.result, job.outcome.msg
    children = job.context.children if job.context is not None else []
    return Trial(done=job.task, outcome=job.outcome, children=children)
