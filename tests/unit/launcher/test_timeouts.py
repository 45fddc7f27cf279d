"""Rules of `task_core.launcher.timeouts`: a late run is an error, whatever it says."""

import asyncio
import threading
import time

import pytest

from task_core.api import Task, complete, interrupted, worker
from task_core.errors import UnsupportedCapabilityError
from task_core.launcher.launcher import make_launcher

SHORT = 0.05
LONG = 60


@pytest.fixture
def work(memory, make_tasks):
    """Run a worker over one task; return what comes of it."""

    def work(function, **settings):
        memory.watch("done").watch("child").put(*make_tasks("a"))
        limit = {} if settings.get("drain") else {"max_tasks": 1}
        made = make_launcher(function, memory.open(), topic="load", **limit, **settings)
        made.run()
        return [task.msg for task in memory.tasks("done")]

    return work


def test_a_thread_is_told_and_what_it_returns_late_is_dropped(work, memory):
    """With its children; nothing ends a thread that does not heed it."""
    told = []

    def late(info, ctx):
        told.append((ctx.deadline <= time.monotonic() + LONG, ctx.cancelled))
        ctx.send(Task.new("child"))
        told.append((ctx.wait(LONG), ctx.cancelled))
        return complete("did it after all")

    assert work(late, timeout=SHORT) == ["timed out after 50ms"]
    assert told == [(True, False), (True, True)]
    assert memory.tasks("child") == []


def test_a_worker_that_gives_up_at_its_deadline_timed_out(work):
    """It is not given back as if the launcher had stopped."""

    def heeds(info, ctx):
        return interrupted() if ctx.wait(LONG) else None

    assert work(heeds, timeout=SHORT) == ["timed out after 50ms"]


def test_a_worker_without_a_context_is_late_as_well(work):
    """Its message is dropped."""
    assert work(lambda info: time.sleep(2 * SHORT), timeout=SHORT) == [
        "timed out after 50ms"
    ]


def test_a_coroutine_is_cancelled(work):
    """At the timeout, wherever it waits."""
    ended = []

    async def hangs(info):
        try:
            await asyncio.sleep(LONG)
        finally:
            ended.append(info)

    assert work(hangs, timeout=SHORT) == ["timed out after 50ms"]
    assert ended == ["a"]


def test_a_coroutine_that_swallows_that_is_late(work):
    """What it returns is dropped; the next job has an asyncio task of its own."""

    async def stubborn(info):
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            return "never mind"

    assert work(stubborn, timeout=SHORT) == ["timed out after 50ms"]


def test_a_coroutine_may_wait_for_its_deadline(work):
    """`wait_async` ends there."""

    async def heeds(info, ctx):
        return interrupted() if await ctx.wait_async(LONG) else None

    assert work(heeds, timeout=SHORT) == ["timed out after 50ms"]


@pytest.mark.parametrize("is_async", [False, True])
def test_who_is_in_time_notices_nothing(work, is_async):
    """The outcome is its own, also when its own code times out."""

    def quick(info, ctx):
        assert ctx.wait(0) is ctx.cancelled is False
        raise TimeoutError("of my own")

    async def quick_async(info, ctx):
        quick(info, ctx)

    made = work(quick_async if is_async else quick, timeout=LONG)
    assert made == ["TimeoutError: of my own"]


def test_a_stop_ends_a_wait_before_the_deadline(rig, memory, make_tasks):
    """The task is given back: it did not time out."""
    began = threading.Event()

    def heeds(info, ctx):
        began.set()
        return interrupted() if ctx.wait(LONG) else None

    memory.watch("done").put(*make_tasks("a"))
    made = rig(heeds, memory.open(), timeout=LONG).start()
    assert began.wait(20)
    made.launcher.stop()
    made.join()
    assert (memory.tasks("done"), made.stats.returned) == ([], 1)


@pytest.mark.parametrize(
    ("error", "runs"), [(TimeoutError, 3), (ValueError, 1), (None, 3)], ids=str
)
def test_only_after_the_exceptions_that_are_named_it_runs_again(work, error, runs):
    """A timeout counts as `TimeoutError`."""
    seen = []
    timeout = "1h" if error else "50ms"

    @worker(
        retries=2,
        retry_delay="0s",
        retry_on=TimeoutError,
        timeout=timeout,
        topic="load",
    )
    def load(info, ctx):
        seen.append(info)
        if error is None:
            ctx.wait(LONG)
        else:
            raise error("no")

    work(load, drain=True)
    assert len(seen) == runs


def test_what_is_declared_counts_less_than_what_is_said(work):
    """A plan or its settings are the caller's word."""
    seen = []

    @worker(retries=2, retry_delay="0s")
    def load(info):
        seen.append(info)
        raise ValueError("no")

    work(load, retries=0, drain=True)
    assert seen == ["a"]


def test_a_bus_that_cannot_delay_runs_a_worker_that_declares_retries(
    rig, script, make_tasks, caplog
):
    """It says that there are none; who asks for them on it is refused."""
    bus = script(make_tasks("a"))

    @worker(retries=2)
    def load(info):
        raise ValueError("no")

    make_launcher(load, bus).run()
    assert "cannot delay: failed tasks do not run again" in caplog.text
    assert [task.result for task in bus.done] == ["error"]
    with pytest.raises(UnsupportedCapabilityError, match="cannot do retries: "):
        make_launcher(load, script(), retries=1)
