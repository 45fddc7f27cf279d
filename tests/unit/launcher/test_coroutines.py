"""Rules of `task_core.launcher.coroutines`: slots for `async def`."""

import asyncio
import contextvars
import threading
import time

import pytest

from task_core.api.message import Delivery
from task_core.api.worker import Worker, complete, failed, interrupted
from task_core.clock import SystemClock
from task_core.launcher import in_flight
from task_core.launcher.context import Job
from task_core.launcher.stats import Stats
from task_core.task import Task

LIMIT = 20


def jobs(count):
    return [Job(Delivery(b""), Task(type="load", info=str(n))) for n in range(count)]


def wait_for(handover, count):
    """Collect so many finished jobs."""
    found = []
    while len(found) < count:
        handover.sleep(LIMIT, wake_at=1)
        collected = handover.collect()
        assert collected, "nothing finishes"
        found += collected
    return found


async def echo(info):
    await asyncio.sleep(0)
    return info


def test_jobs_come_back_with_outcome_and_time(slots):
    """Every one of them, once."""
    made, handover, _ = slots(echo, 2)
    made.start()
    made.submit(jobs(500))
    found = wait_for(handover, 500)
    assert sorted(int(job.outcome.msg) for job in found) == list(range(500))


@pytest.mark.parametrize("_round", range(20))
def test_jobs_given_before_the_loop_runs_are_run(slots, _round):
    """The first wake-up may come before any coroutine waits for it."""
    made, handover, _ = slots(echo)
    made.submit(jobs(1))
    made.start()
    wait_for(handover, 1)


def test_as_many_run_at_a_time_as_there_are_slots(slots):
    """A barrier that needs all of them opens."""
    here, full = [], asyncio.Event()

    async def worker(info):
        here.append(info)
        if len(here) == 100:
            full.set()
        await full.wait()

    made, handover, _ = slots(worker, 100)
    made.start()
    for job in jobs(100):
        made.submit([job])
    assert {job.outcome for job in wait_for(handover, 100)} == {complete()}


def test_a_worker_object_may_be_async(slots):
    """One loop, one thread, for all of its tasks."""

    class Naming(Worker):
        async def do_task(self, ctx):
            return threading.current_thread().name

    made, handover, _ = slots(Naming(), 2)
    made.start()
    made.submit(jobs(4))
    assert {job.outcome.msg for job in wait_for(handover, 4)} == {"slots"}


def test_whatever_a_coroutine_raises_is_an_error_of_the_task(slots):
    """Also what would end a loop, or cancel its own task; the slot goes on."""

    async def worker(info):
        if info == "0":
            raise SystemExit(1)
        if info == "1":
            raise KeyboardInterrupt
        if info == "2":
            asyncio.current_task().cancel()
            await asyncio.sleep(LIMIT)
        if info == "3":
            asyncio.current_task().cancel()
        return "fine"

    made, handover, _ = slots(worker)
    made.start()
    made.submit(jobs(4))
    outcomes = [job.outcome for job in wait_for(handover, 4)]
    assert outcomes == [
        failed("SystemExit: 1"),
        failed("KeyboardInterrupt"),
        failed("CancelledError"),
        complete("fine"),
    ]
    made.submit(jobs(5)[4:])
    assert wait_for(handover, 1)[0].outcome == complete("fine")


def test_context_meta_and_children_work_as_for_plain_functions(slots):
    """The twin of `run.make_run`."""

    async def worker(info, ctx):
        ctx.meta["n"] = "1"
        ctx.send(Task(type="sum", info=info))

    made, handover, _ = slots(worker)
    made.start()
    made.submit(jobs(1))
    job = wait_for(handover, 1)[0]
    assert job.task.meta == "n=1"
    assert job.context.children[0][1] == "sum"
    assert job.task.started
    assert job.task.ended


def test_wait_async_sleeps_and_ends_early_on_cancel(slots):
    """While others go on."""
    began = threading.Event()

    async def worker(info, ctx):
        if await ctx.wait_async(0.001):
            return "too early"
        began.set()
        return interrupted() if await ctx.wait_async(LIMIT) else "too late"

    made, handover, cancel = slots(worker)
    made.start()
    made.submit(jobs(1))
    assert began.wait(LIMIT)
    begin = time.monotonic()
    cancel.request()
    assert wait_for(handover, 1)[0].outcome == interrupted()
    assert time.monotonic() - begin < LIMIT / 2


def test_hooks_are_called_around_the_run(slots, hooks):
    """As for plain functions."""
    seen = []
    watch = hooks(
        task_started=lambda task: seen.append("started"),
        task_finished=lambda task, outcome: seen.append(outcome.msg),
    )
    made, handover, _ = slots(echo, hooks=watch)
    made.start()
    made.submit(jobs(1))
    wait_for(handover, 1)
    assert seen == ["started", "0"]


def test_close_cancels_what_runs_and_ends_the_loop(slots):
    """Jobs that had not begun are left where they are."""
    began = threading.Event()

    async def worker(info):
        began.set()
        await asyncio.sleep(LIMIT)

    made, _, _ = slots(worker)
    made.start()
    made.submit(jobs(1))
    assert began.wait(LIMIT)
    made.close()
    made._thread.join(LIMIT)
    assert not made._thread.is_alive()
    made.call(print)  # late calls are harmless


def test_close_before_the_start_leaves_nothing_open(slots):
    """A bus that cannot be opened ends a launcher before its slots began."""
    made, _, _ = slots(echo)
    made.close()
    assert made._loop.is_closed()


def test_no_wake_up_is_ever_lost(slots):
    """Two thousand rounds of one job each: a lost wake-up would hang one of them."""
    made, handover, _ = slots(echo, 2)
    made.start()
    for _ in range(2000):
        made.submit(jobs(1))
        wait_for(handover, 1)


async def exit_soon():
    raise SystemExit(3)


async def gathers():
    await asyncio.gather(exit_soon(), asyncio.sleep(LIMIT))


async def waits_for():
    await asyncio.wait_for(exit_soon(), LIMIT)


async def groups():
    async with asyncio.TaskGroup() as group:
        group.create_task(exit_soon())


async def stops_the_loop():
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)


async def cancels_everybody():
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(LIMIT)


async def interrupts_in_a_callback():
    def interrupt():
        raise KeyboardInterrupt

    asyncio.get_running_loop().call_soon(interrupt)
    await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("act", "result"),
    [
        (gathers, "error"),
        (waits_for, "error"),
        (groups, "error"),
        (stops_the_loop, "complete"),
        (cancels_everybody, "error"),
        (interrupts_in_a_callback, "complete"),
    ],
)
def test_the_loop_goes_on_whatever_a_worker_does_to_it(slots, act, result):
    """The task has its outcome, and the next one is done."""

    async def worker(info):
        if info == "0":
            await act()
        return info

    made, handover, _ = slots(worker, 2)
    made.start()
    made.submit(jobs(1))
    assert wait_for(handover, 1)[0].outcome.result == result
    made.submit(jobs(2)[1:])
    assert wait_for(handover, 1)[0].outcome == complete("1")


def test_a_hook_that_exits_is_an_error_of_the_task(slots, hooks):
    """Observers are isolated; one that is not costs a task, not the launcher."""

    def leave(**facts):
        raise SystemExit(1)

    made, handover, _ = slots(echo, hooks=hooks(task_finished=leave))
    made.start()
    made.submit(jobs(2))
    assert [j.outcome for j in wait_for(handover, 2)] == [failed("SystemExit: 1")] * 2


VARIABLE = contextvars.ContextVar("variable", default="fresh")


def test_each_job_has_a_context_and_an_asyncio_task_of_its_own(slots):
    """What one leaves behind, or cancels late, meets no other."""
    seen, tasks = [], []

    async def worker(info):
        seen.append(VARIABLE.get())
        VARIABLE.set(info)
        for task in tasks:
            task.cancel()
        tasks.append(asyncio.current_task())
        await asyncio.sleep(0.001)
        return info

    made, handover, _ = slots(worker)
    made.start()
    made.submit(jobs(3))
    assert {j.outcome.result for j in wait_for(handover, 3)} == {"complete"}
    assert seen == ["fresh"] * 3


@pytest.mark.parametrize("takes", [False, True])
def test_an_event_loop_that_ends_is_replaced(slots, monkeypatch, takes):
    """What nobody had taken runs in the next one; what was in it is an error."""
    made, handover, _ = slots(echo, 2)
    main, deaths = made._main, [None]

    def end_once():
        if not deaths:
            return main()
        deaths.pop()
        if takes:
            handover.waiting.popleft()
        return None

    monkeypatch.setattr(made, "_main", end_once)
    monkeypatch.setattr(in_flight, "LOOK_EVERY", 0.001)
    made._loop.close()
    made._prepare()
    given, stats = jobs(3), Stats(SystemClock())
    made.submit(given)
    made.start()
    search = in_flight.Search(made, handover, stats, SystemClock())
    found, end = {}, time.monotonic() + LIMIT
    while len(found) < len(given):
        assert time.monotonic() < end, "a job is lost"
        handover.sleep(0.002, wake_at=1)
        search.look([job for job in given if job not in found], [])
        found.update(dict.fromkeys(handover.collect()))
    results = [job.outcome.result for job in given]
    assert results == ["error" if takes else "complete", "complete", "complete"]
    assert stats.replaced == 1
    made.close()
