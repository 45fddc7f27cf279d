"""For programs and tests: a launcher until its end, or one task without a bus."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from task_core.api.bus import Bus
from task_core.api.message import Delivery
from task_core.api.worker import Outcome
from task_core.clock import SystemClock
from task_core.errors import UsageError
from task_core.launcher.context import Call, Job, SharedContext
from task_core.launcher.handover import Handover
from task_core.launcher.launcher import Launcher, make_launcher
from task_core.launcher.parts import make_slots
from task_core.launcher.plan import NoHooks, Plan
from task_core.launcher.run import make_run
from task_core.launcher.signals import MARGIN, Supervisor
from task_core.launcher.signature import AnyWorker, as_plugin, make_call
from task_core.launcher.stats import Stats
from task_core.launcher.stop import Cancel
from task_core.task import Task
from task_core.wire import encode_task

LONGEST_RUN = 86400.0
"""Seconds that a run may take."""
LOOK = 0.2
"""Seconds after which a thread that waits for another looks again."""


def run_launcher(
    worker: AnyWorker,
    bus: Bus | Callable[[], Bus],
    plan: Plan | None = None,
    *,
    options: Any = None,
    stop: threading.Event | None = None,
    **settings: Any,
) -> Stats:
    """Run a worker until the end of input, a limit or a signal; for the main thread.

    The first SIGTERM, SIGINT or SIGHUP stops it with the grace of the plan's
    `kill_time`, the second at once.

    Args:
        worker: A plugin (what `@worker` returns), a `Worker` object, or a function.
        bus: What carries the tasks, or what opens it; it is closed at the end.
        plan, settings: What to do; see `task_core.launcher.plan.Plan`.
        options: The plugin's options; those that nobody has set when None.
        stop: Another thread may set it: then it stops as after a signal.

    Returns:
        What happened, as counts.

    Raises:
        TypeError, UsageError: A setting is unknown, or makes no sense.
        WorkerError: The worker cannot be called.
        BusError: The bus failed.
    """
    if threading.current_thread() is not threading.main_thread():
        raise UsageError(
            "run_launcher takes the signals of the process, as only the main thread"
            " can: use LauncherThread in others"
        )
    if not (stop is None or isinstance(stop, threading.Event)):
        raise TypeError(f"stop: a threading.Event is wanted, not {stop!r}")
    launcher = make_launcher(worker, bus, plan, options=options, **settings)
    ended = threading.Event()
    if stop is not None:
        heed = threading.Thread(target=_heed, args=(stop, ended, launcher), daemon=True)
        heed.start()
    try:
        Supervisor(launcher, launcher.plan.kill_time).run()
    finally:
        ended.set()
    return launcher.stats


def _heed(stop: threading.Event, ended: threading.Event, launcher: Launcher) -> None:
    """Stop a launcher when somebody wants it, as long as it runs."""
    while not ended.is_set():
        if stop.wait(LOOK):
            launcher.stop()
            return


class LauncherThread:
    """A launcher in a thread of its own: for tests, notebooks and other programs.

    As a context manager it is started, and reads when its body begins; in the end it is
    stopped with the grace of the plan's `kill_time`.

    Args:
        worker, bus, plan, options, settings: As for `run_launcher`.

    Raises:
        TypeError, UsageError: A setting is unknown, or makes no sense.
        WorkerError: The worker cannot be called.
        BusError: The bus cannot be opened.

    Example:
        >>> from task_core import connect, open_bus
        >>> with connect("memory:doc") as tasks:
        ...     with LauncherThread(str.upper, open_bus("memory:doc"), topic="shout"):
        ...         tasks.call("shout", "ada").msg
        'ADA'
    """

    def __init__(
        self,
        worker: AnyWorker,
        bus: Bus | Callable[[], Bus],
        plan: Plan | None = None,
        *,
        options: Any = None,
        **settings: Any,
    ) -> None:
        self.launcher = make_launcher(worker, bus, plan, options=options, **settings)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="bus", daemon=True)

    def start(self) -> Self:
        """Start it; return when it reads, or has ended.

        Raises:
            BusError: It cannot read.
            WorkerError: A process cannot make the worker.
        """
        self._thread.start()
        while not self.launcher.began.wait(LOOK) and self._thread.is_alive():
            pass
        if self._error is not None:
            raise self._error
        return self

    def stop(self) -> None:
        """Stop it: first with grace, then at once (any thread)."""
        self.launcher.stop()

    def join(self, timeout: float | None = None) -> Stats:
        """Wait for its end, and return the counts.

        Raises:
            TimeoutError: It has not ended after so many seconds.
            BusError: The bus failed.
        """
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError(f"the launcher has not ended after {timeout:g}s")
        if self._error is not None:
            raise self._error
        return self.launcher.stats

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.launcher.parts.stop.requested:  # a second one would hurry it
            self.stop()
        self.join(self.launcher.plan.kill_time + MARGIN)

    def _run(self) -> None:
        try:
            self.launcher.run()
        except BaseException as error:  # noqa: BLE001  raised where somebody waits
            self._error = error


def run_once(
    worker: AnyWorker,
    task: Task | str,
    *,
    options: Any = None,
    attempt: int = 1,
    cancelled: bool = False,
) -> tuple[Task, Outcome, list[tuple[Task, str]]]:
    """Run one task as a launcher would.

    Args:
        worker: A plugin (what `@worker` returns), a `Worker` object, or a function.
        task: The task, which is left as it is, or its info.
        options: The plugin's options; those that nobody has set when None.
        attempt: What `ctx.attempt` is to say.
        cancelled: Run as if the launcher were stopping.

    Returns:
        The done task, the outcome, and the children, each with its topic.

    Raises:
        WorkerError: The launcher could not call such a worker.
    """
    plugin = as_plugin(worker)
    call, options = make_call(plugin, options)
    if isinstance(task, str):
        task = Task.new(plugin.type, task)
    job = Job(Delivery(encode_task(task), None, attempt), msgspec.structs.replace(task))
    log = logging.getLogger(f"task.worker.{plugin.name}")
    shared = SharedContext(
        cancel=Cancel(),
        log=log,
        worker=plugin.name,
        options=options,
        timeout=plugin.defaults.timeout,
    )
    if not call.is_async:
        if cancelled:
            shared.cancel.request()
        make_run(call, shared, SystemClock(), NoHooks())(job)
    else:
        _run_in_a_loop(call, job, shared, cancelled=cancelled)
    if plugin is worker:  # what was made here is closed here
        call.close()
    job.task.result, job.task.msg = job.outcome.result, job.outcome.msg
    children = job.context.children if job.context is not None else []
    return job.task, job.outcome, children


def _run_in_a_loop(
    call: Call, job: Job, shared: SharedContext, *, cancelled: bool
) -> None:
    """Run in a real slot: its loop has a thread of its own, so async tests may call."""
    handover = Handover()
    slots = make_slots(1, call, handover, shared, SystemClock(), NoHooks())
    slots.start()
    if cancelled:
        shared.cancel.request()
    slots.submit([job])
    while not handover.collect():
        handover.sleep(LONGEST_RUN, wake_at=1)
    slots.close()
