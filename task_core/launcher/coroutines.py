"""Slots for `async def` workers: one event loop in a thread, one coroutine a slot."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from task_core.clock import Clock
from task_core.launcher.context import Job, RunContext, Surroundings
from task_core.launcher.handover import Handover
from task_core.launcher.plan import Hooks
from task_core.launcher.run import AsyncRun, make_async_run
from task_core.launcher.signature import Call
from task_core.task import Task

FAIRNESS = 100
"""Jobs that one coroutine runs before the loop may look at anything else."""


def make_slots(
    count: int,
    call: Call,
    handover: Handover,
    around: Surroundings,
    clock: Clock,
    hooks: Hooks,
) -> "CoroutineSlots":
    """Return slots for an `async def`."""
    stopping = asyncio.Event()

    def make_context(job: Job) -> RunContext:
        return CoroutineContext(job.task, job.delivery.attempt, around, stopping)

    run = make_async_run(call, around, clock, hooks, make_context)
    slots = CoroutineSlots(count, run, handover)
    around.cancel.listen(lambda: slots.call(stopping.set))
    return slots


class CoroutineContext(RunContext):
    """The context of one run of an `async def` worker."""

    __slots__ = ("_stopping",)

    def __init__(
        self, task: Task, attempt: int, around: Surroundings, stopping: asyncio.Event
    ) -> None:
        super().__init__(task, attempt, around)
        self._stopping = stopping

    async def wait_async(self, seconds: float) -> bool:
        """Sleep; return True when cancelled, at once in that case."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self.cancelled


class CoroutineSlots:
    """Coroutines that take jobs and put them back finished.

    Args:
        count: How many tasks run at a time.
        run: What to await for each job; it never raises.
        handover: Where jobs come from and go to.
    """

    def __init__(self, count: int, run: AsyncRun, handover: Handover) -> None:
        self._count = count
        self._run = run
        self._handover = handover
        self._closing = False
        self._idle: deque[asyncio.Future[None]] = deque()
        self._servers: list[asyncio.Task[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="slots", daemon=True)

    def start(self) -> None:
        """Start the event loop."""
        self._thread.start()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand over jobs (bus thread)."""
        self._handover.waiting.extend(jobs)
        self.call(self._rouse, len(jobs))

    def call(self, function: Callable[..., None], *args: object) -> None:
        """Call a function in the event loop (any thread)."""
        with contextlib.suppress(RuntimeError):  # the loop may have ended
            self._loop.call_soon_threadsafe(function, *args)

    def close(self) -> None:
        """End the loop; what still runs is cancelled, and not waited for."""
        if self._thread.ident is None:  # never started
            self._loop.close()
        self.call(self._cancel)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._servers = [
            self._loop.create_task(self._serve()) for _ in range(self._count)
        ]
        self._loop.run_until_complete(asyncio.wait(self._servers))
        self._loop.close()

    def _rouse(self, most: int) -> None:
        while self._idle and most:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                most -= 1

    def _cancel(self) -> None:
        self._closing = True
        for server in self._servers:
            server.cancel()

    async def _serve(self) -> None:
        while not self._closing:
            with contextlib.suppress(asyncio.CancelledError):
                await self._work()  # first look: jobs may have come before any wait
                await self._idle_until_roused()

    async def _idle_until_roused(self) -> None:
        if not self._closing:  # a worker may have swallowed the cancel
            waiter = self._loop.create_future()
            self._idle.append(waiter)
            await waiter

    async def _work(self) -> None:
        handover, run, clock = self._handover, self._run, time.perf_counter
        finished = handover.finished
        take, give = handover.waiting.popleft, finished.append
        count = 0
        begin = clock()
        while True:
            try:
                job = take()
            except IndexError:
                break
            await run(job)
            end = clock()
            job.took = end - begin
            begin = end
            give(job)
            if handover.sleeping and len(finished) >= handover.wake_at:
                handover.wake()
            count += 1
            if count % FAIRNESS == 0:
                await asyncio.sleep(0)
        if handover.sleeping and finished:
            handover.wake()
