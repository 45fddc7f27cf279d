"""Slots for `async def` workers: one event loop in a thread, all tasks in it."""

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from contextvars import Context, copy_context
from typing import Any

from task_core.api.worker import describe, failed
from task_core.clock import Clock
from task_core.launcher.at_work import AT_WORK, AtWork
from task_core.launcher.context import (
    Call,
    Job,
    LeftBehind,
    RunContext,
    SharedContext,
)
from task_core.launcher.handover import Handover
from task_core.launcher.plan import Hooks
from task_core.launcher.run import AsyncRun, make_async_run
from task_core.task import Task

FAIRNESS = 100
"""Jobs that never wait and are run before the loop looks at anything else."""

log = logging.getLogger("task")


def make_slots(
    count: int,
    call: Call,
    handover: Handover,
    shared: SharedContext,
    clock: Clock,
    hooks: Hooks,
) -> "CoroutineSlots":
    """Return slots for an `async def`."""
    stopping = asyncio.Event()

    def make_context(job: Job) -> RunContext:
        return CoroutineContext(job.task, job.delivery.attempt, shared, stopping)

    def leave(job: Job) -> None:
        slots.leave(job)

    run = make_async_run(call, shared, clock, hooks, make_context, leave)
    slots = CoroutineSlots(count, run, handover, shared.worker)
    shared.cancel.listen(lambda: slots.call(stopping.set))
    return slots


class CoroutineContext(RunContext):
    """The context of one run of an `async def` worker."""

    __slots__ = ("_stopping",)

    def __init__(
        self, task: Task, attempt: int, shared: SharedContext, stopping: asyncio.Event
    ) -> None:
        super().__init__(task, attempt, shared)
        self._stopping = stopping

    async def wait_async(self, seconds: float) -> bool:
        """Sleep; return True when cancelled, at once in that case."""
        with contextlib.suppress(TimeoutError):
            # Not `wait_for`: before Python 3.12 it loses some cancellations.
            async with asyncio.timeout(min(seconds, self.left)):
                await self._stopping.wait()
        return self.cancelled


class CoroutineSlots:
    """An event loop that takes jobs and puts them back finished.

    A job has a task of asyncio and a context of its own: what user code cancels late,
    or leaves in context variables, meets no other job. Only when the one before has
    left no trace, its task serves for the next one too: making them costs ten times
    what a tiny job does.

    Args:
        count: How many tasks run at a time.
        run: What to await for each job; it never raises by itself.
        handover: Where jobs come from and go to.
        worker: Name of what they run, for the log.
    """

    def __init__(
        self, count: int, run: AsyncRun, handover: Handover, worker: str = ""
    ) -> None:
        self._count = count
        self._worker = worker
        self._run = run
        self._handover = handover
        self._closing = False
        self._servers: set[asyncio.Task[None]] = set()
        # But for those left behind. By id: one more reference to a task would be seen.
        self._held: dict[int, AtWork] = {}
        self._prepare()

    def _prepare(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(_make_task)
        self._thread = threading.Thread(target=self._main, name="slots", daemon=True)

    def start(self) -> None:
        """Start the event loop."""
        self._thread.start()

    def held(self) -> Collection[Job | None]:
        """Return the jobs that are in the loop now, perhaps some that are finished."""
        return [slot.job for slot in self._held.copy().values()]

    def mend(self) -> int:
        """Replace a loop whose thread has ended: what was in it is lost."""
        ended = not (self._closing or self._thread.is_alive())
        if ended:
            self._servers, self._held = set(), {}
            with contextlib.suppress(RuntimeError):  # it counts as running
                self._loop.close()
            self._prepare()
            self.start()
        self.call(self._begin)
        return int(ended)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand over jobs (bus thread)."""
        self._handover.waiting.extend(jobs)
        self.call(self._begin)

    def leave(self, job: Job) -> None:
        """Give the slot of a run that does not end to another one (in the loop)."""
        held = self._held.items()
        self._held = {server: slot for server, slot in held if slot.job is not job}
        self._handover.leave(job, "does not heed its cancellation")
        self._begin()

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Call a function in the event loop (any thread)."""
        with contextlib.suppress(RuntimeError):  # the loop may have ended
            self._loop.call_soon_threadsafe(function, *args)

    def close(self) -> None:
        """End the loop; what still runs is cancelled, and not waited for."""
        if self._thread.ident is None:  # never started
            self._loop.close()
        self.call(self._cancel)

    def _main(self) -> None:
        """Run the loop until it is closed, whatever user code does to it."""
        asyncio.set_event_loop(self._loop)
        while not self._closing or self._servers:
            try:
                self._loop.run_forever()
            except BaseException as error:  # noqa: BLE001  sys.exit() in a helper task
                log.warning("event loop: %s; it goes on", describe(error))
            # Somebody may have stopped it, or cancelled what was to come.
            self._loop.call_soon(self._begin)
        self._loop.close()

    def _cancel(self) -> None:
        self._closing = True
        for server in self._servers:
            server.cancel()
        if not self._servers:
            self._loop.stop()

    def _begin(self) -> None:
        """See to it that somebody serves, for each job that waits."""
        for _ in range(len(self._handover.waiting)):
            if self._closing or len(self._held) >= self._count:
                break
            context, slot = Context(), AtWork(self._worker)
            context.run(AT_WORK.set, slot)
            server = self._loop.create_task(self._serve(slot, context), context=context)
            self._held[id(server)] = slot
            self._servers.add(server)
            server.add_done_callback(self._ended)

    def _ended(self, server: asyncio.Task[None]) -> None:
        self._servers.discard(server)
        self._held.pop(id(server), None)
        if self._closing and not self._servers:
            self._loop.stop()
        else:
            self._begin()

    async def _serve(self, slot: AtWork, context: Context) -> None:
        """Run what waits, until a job leaves traces."""
        handover = self._handover
        finished = handover.finished
        take, give = handover.waiting.popleft, finished.append
        me = asyncio.current_task()
        assert me is not None
        references, count = sys.getrefcount(me), 0
        while not self._closing:
            try:
                slot.job = job = take()
            except IndexError:
                break
            try:
                await self._run(job)
            except LeftBehind:
                return
            except BaseException as error:  # noqa: BLE001  of a hook
                job.outcome = failed(error)
            give(job)
            if handover.sleeping and len(finished) >= handover.wake_at:
                handover.wake()
            if len(context) > 1 or me.cancelling() or sys.getrefcount(me) > references:
                break
            count += 1
            if count % FAIRNESS == 0:
                await asyncio.sleep(0)
        if handover.sleeping and finished:
            handover.wake()


def _make_task(
    loop: asyncio.AbstractEventLoop, coroutine: Any, **settings: Any
) -> asyncio.Task[Any]:
    """Return a task that a worker makes: it may outlive the job, and still name it."""
    if settings.get("context") is None:
        settings["context"] = context = copy_context()
        if slot := context.get(AT_WORK):
            context.run(AT_WORK.set, AtWork(slot.worker, slot.job))
    return asyncio.Task(coroutine, loop=loop, **settings)
