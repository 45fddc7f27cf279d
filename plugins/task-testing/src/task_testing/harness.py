"""Running one task in a test: no bus, no launcher, no process."""

import inspect
from collections.abc import Callable
from typing import Any

import attrs

from task_core import run_once
from task_core.api import (
    NoOptions,
    Outcome,
    Task,
    TaskmasterPlugin,
    UsageError,
    Worker,
    WorkerPlugin,
)

AnyWorker = WorkerPlugin | Worker | Callable[..., Any]
"""A plugin, a `Worker` class or object, or a function."""


@attrs.frozen(kw_only=True)
class Trial:
    """All that came out of one run.

    Args:
        done: The done task, as the bus would get it.
        outcome: What the worker returned; tells its kind, and the `delay` of a retry.
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
    if inspect.isclass(worker) and issubclass(worker, Worker):
        worker = _plugin_of(worker, options)
    if isinstance(worker, WorkerPlugin) and options is None:
        options = default_options(worker)
    done, outcome, children = run_once(
        worker, task, options=options, attempt=attempt, cancelled=cancelled
    )
    return Trial(done=done, outcome=outcome, children=children)


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


def _plugin_of(worker: type[Worker], options: Any) -> WorkerPlugin:
    """Return a manifest for a class, so that what is made here is closed as well."""
    make: Callable[..., Worker] = worker
    return WorkerPlugin(
        name=worker.__name__.lower(),
        summary="",
        make=lambda values: make() if options is None else make(options),
        options=NoOptions if options is None else type(options),
    )
