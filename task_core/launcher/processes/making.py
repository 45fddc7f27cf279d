"""From a recipe to a worker: what a child does before its first task."""

import logging
import pickle
import time
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing import spawn
from typing import Any

import attrs

from task_core.api.message import Message, check_messages
from task_core.api.worker import describe
from task_core.clock import SystemClock
from task_core.errors import WorkerError
from task_core.launcher.context import Call, Job, SharedContext, limit_of
from task_core.launcher.handover import Handover
from task_core.launcher.parts import make_slots
from task_core.launcher.plan import NoHooks
from task_core.launcher.processes.limits import Limits
from task_core.launcher.processes.recipe import Carrier, Preparing, Recipe
from task_core.launcher.run import make_run
from task_core.launcher.signature import as_plugin, make_call
from task_core.launcher.stop import Cancel
from task_core.task import Task

LONGEST_RUN = 86400.0
"""Seconds for which an event loop is waited for at a time."""


class Grace:
    """What is left of the kill time, as far as the parent has told.

    Args:
        seconds: What there is before a stop.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def begin(self, seconds: float) -> None:
        """Note how much is left now."""
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return how much is left."""
        if self._end is None:
            return self._seconds
        return max(0.0, self._end - time.monotonic())


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Doer:
    """A worker, ready to do tasks in this process.

    Args:
        do: Does a job, and never raises by itself.
        interruptible: Whether it does so in the main thread.
        close: To be called after the last one.
        log: Of the worker.
        shared, grace: What its runs share.
    """

    do: Callable[[Job], None]
    interruptible: bool
    close: Callable[[], None]
    log: logging.Logger
    shared: SharedContext
    grace: Grace

    def deadline_of(self, task: Task) -> float | None:
        """Return when a run that begins now is late, or None."""
        try:
            seconds = limit_of(task, self.shared.timeout)
        except ValueError:  # nonsense in its meta, and an error at once
            return None
        return None if seconds is None else time.monotonic() + seconds

    def cancel(self, grace: float) -> None:
        """Tell runs to stop early."""
        self.grace.begin(grace)
        self.shared.cancel.request()


def make_doer(
    recipe: bytes, divert: Callable[[Mapping[str, int]], None]
) -> tuple[Doer, Limits]:
    """Make what a recipe tells.

    Args:
        recipe: A pickled `Recipe`.
        divert: Sends what is logged to the parent; takes levels of loggers. It is asked
            again after user code was imported, which may have sent it elsewhere.

    Raises:
        WorkerError: The worker is not found here.
    """
    made: Recipe = pickle.loads(recipe)  # noqa: S301  from the parent alone
    divert(made.levels)
    Preparing.now = True
    spawn.prepare(dict(made.process))
    Preparing.now = False
    plugin = as_plugin(_find(made.find))
    options, retry_on = pickle.loads(made.rest)  # noqa: S301  as above
    call, options = make_call(plugin, options)
    divert(made.levels)
    grace = Grace(made.kill_time)
    shared = SharedContext(
        cancel=Cancel(),
        log=logging.getLogger(f"task.worker.{plugin.name}"),
        worker=plugin.name,
        options=options,
        check=partial(_check, made.carrier),
        timeout=made.timeout,
        retry_on=retry_on,
        grace=grace.left,
    )
    doer = Doer(
        do=_doing(call, shared),
        interruptible=not call.is_async,
        close=call.close,
        log=shared.log,
        shared=shared,
        grace=grace,
    )
    return doer, Limits(made.max_tasks, made.max_memory)


def _check(carrier: Carrier | None, message: Message) -> None:
    """Refuse a child task that the bus is known to refuse."""
    if carrier is not None:
        check_messages(carrier, [message])


def _find(pickled: bytes) -> Any:
    try:
        return pickle.loads(pickled)()  # noqa: S301  from the parent alone
    except (AttributeError, ImportError) as error:
        raise WorkerError(
            f"a process does not find the worker ({describe(error)}): define it by name"
            " at the top of a module or file"
        ) from error


def _doing(call: Call, shared: SharedContext) -> Callable[[Job], None]:
    if not call.is_async:
        return make_run(call, shared, SystemClock(), NoHooks())
    handover = Handover()
    slots = make_slots(1, call, handover, shared, SystemClock(), NoHooks())
    slots.start()

    def do(job: Job) -> None:
        slots.submit([job])
        while not handover.collect():
            handover.sleep(LONGEST_RUN, wake_at=1)

    return do
