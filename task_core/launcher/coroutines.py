"""Slots for `async def` workers: one event loop in a thread, one coroutine a slot."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from task_core.api.worker import COMPLETE
from task_core.clock import Clock
from task_core.launcher.call import Call, outcome_of
from task_core.launcher.context import RunContext, Surroundings
from task_core.launcher.exchange import Exchange
from task_core.launcher.hooks import Hooks
from task_core.launcher.job import Job
from task_core.launcher.run import Fork, Watch, keep_text, merge_meta, outcome_of_error
from task_core.task import Task

AsyncRun = Callable[[Job], Awaitable[None]]

FAIRNESS = 100
"""Jobs that one coroutine runs before the loop may look at anything else."""


def make_slots(
    count: int,
    call: Call,
    exchange: Exchange,
    surroundings: Surroundings,
    clock: Clock,
    hooks: Hooks,
) -> "CoroutineSlots":
    """Return slots for an `async def`."""
    stopping = asyncio.Event()
    run = make_run(call, surroundings, stopping, clock, hooks)
    slots = CoroutineSlots(count, run, exchange)
    surroundings.cancel.listen(lambda: slots.call(stopping.set))
    return slots


class CoroutineContext(RunContext):
    """The context of one run of an `async def` worker."""

    __slots__ = ("_stopping",)

    def __init__(
        self,
        task: Task,
        attempt: int,
        surroundings: Surroundings,
        stopping: asyncio.Event,
    ) -> None:
        super().__init__(task, attempt, surroundings)
        self._stopping = stopping

    async def wait_async(self, seconds: float) -> bool:
        """Sleep; return True when cancelled, at once in that case."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self.cancelled


def make_run(
    call: Call,
    surroundings: Surroundings,
    stopping: asyncio.Event,
    clock: Clock,
    hooks: Hooks,
) -> AsyncRun:
    """Return what a slot awaits for each job; `run.make_run` is its plain twin."""
    invoke, stamp, wants_context = call.invoke, clock.stamp, call.wants_context
    sees_task = call.sees_task
    forks = Fork.count

    async def run(job: Job) -> None:
        task = job.task
        task.started = stamp()
        context = None
        if wants_context:
            attempt = job.delivery.attempt
            context = CoroutineContext(task, attempt, surroundings, stopping)
            job.context = context
        try:
            returned = await invoke(task, context)
            job.outcome = COMPLETE if returned is None else outcome_of(returned)
        except BaseException as error:  # noqa: BLE001  also sys.exit() is an outcome
            job.outcome = outcome_of_error(error, surroundings.log)
        if Fork.count != forks:
            Fork.end_child()
        if context is not None:
            merge_meta(job, context)
        if sees_task:
            keep_text(job)
        job.task.ended = stamp()

    watch = Watch.of(hooks)
    return _watched(run, watch, clock) if watch else run


def _watched(run: AsyncRun, watch: Watch, clock: Clock) -> AsyncRun:
    async def run_watched(job: Job) -> None:
        if watch.admit(job, clock):
            await run(job)
        watch.finished(task=job.task, outcome=job.outcome)

    return run_watched


class CoroutineSlots:
    """Coroutines that take jobs from the exchange.

    Args:
        count: How many tasks run at a time.
        run: What to await for each job; it never raises.
        exchange: Where jobs come from and go to.
    """

    def __init__(self, count: int, run: AsyncRun, exchange: Exchange) -> None:
        self._count = count
        self._run = run
        self._exchange = exchange
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
        self._exchange.waiting.extend(jobs)
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
        exchange, run, clock = self._exchange, self._run, time.perf_counter
        finished = exchange.finished
        take, give = exchange.waiting.popleft, finished.append
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
            if exchange.sleeping and len(finished) >= exchange.wake_at:
                exchange.wake()
            count += 1
            if count % FAIRNESS == 0:
                await asyncio.sleep(0)
        if exchange.sleeping and finished:
            exchange.wake()
