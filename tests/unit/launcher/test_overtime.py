"""Rules of `task_core.launcher.overtime`: a late run in a thread costs no slot."""

import asyncio
import contextlib
import logging
import sys
import threading
import time
from contextvars import ContextVar

import pytest

from task_core.api import Task, complete
from task_core.api.message import Delivery
from task_core.clock import SystemClock
from task_core.launcher import overtime
from task_core.launcher.at_work import AT_WORK, name_of
from task_core.launcher.context import Job, SharedContext
from task_core.launcher.launcher import make_launcher
from task_core.launcher.stop import Cancel
from task_core.wire import decode_task, encode_task

SHORT = 0.05
LONG = 60
GRACE = 0.2


@pytest.fixture
def release():
    """An event for which a run can wait in C code; set in the end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def work(memory, make_tasks):
    """Run a worker over some tasks; return the launcher and the done tasks by info."""

    def work(function, *infos, **settings):
        bodies = [
            one if isinstance(one, bytes) else make_tasks(one)[0] for one in infos
        ]
        memory.watch("done", "child").put(*bodies)
        settings = {"kill_time": GRACE, "max_tasks": len(infos), **settings}
        made = make_launcher(function, memory.open(), topic="load", **settings)
        made.run()
        return made, {task.info: task.msg for task in memory.tasks("done")}

    return work


def spin(endless):
    """Keep Python busy."""
    while endless:
        pass


def own(info, meta):
    """Return a task that says something of its own."""
    return encode_task(Task(type="load", info=info, meta=meta))


def test_a_run_in_time_tells_how_long_it_took(work):
    """As every run: so many as wait for a slot are worth so little."""
    made, _ = work(lambda info: time.sleep(0.01), "1", "2", timeout=LONG)
    assert made.stats.busy >= 0.02


def test_python_that_never_ends_is_interrupted(work, monkeypatch):
    """It can clean up, and its thread goes on with the next task."""
    monkeypatch.setattr("task_core.launcher.overtime.HEED", 0.01)
    cleaned, threads = [], set()

    def load(info):
        threads.add(threading.get_ident())
        try:
            spin(info == "endless")
        finally:
            cleaned.append(info)

    endless = own("endless", "timeout=50ms")
    made, done = work(load, endless, "b", kill_time=LONG)
    assert done == {"endless": "timed out after 50ms", "b": ""}
    assert cleaned == ["endless", "b"]
    assert len(threads) == 1
    assert made.stats.leaked == 0


def test_a_run_that_ends_just_when_it_is_interrupted_leaves_no_lock():
    """Else all later runs would wait for it, and nobody would tell."""
    shared = SharedContext(cancel=Cancel(), log=logging.getLogger("task.test"))
    nothing = lambda *args: None  # noqa: E731
    watched = overtime.Overtime(shared, SystemClock(), nothing, nothing)
    body = encode_task(Task(type="load", info=""))
    job = Job(Delivery(body), decode_task(body))
    begun, may_end = threading.Event(), threading.Event()

    def run(own):
        own.outcome = complete()
        begun.set()
        may_end.wait(LONG)

    slot = threading.Thread(target=watched, args=(job, 600.0, run), daemon=True)
    slot.start()
    assert begun.wait(LONG)
    with watched._lock:  # as the one that interrupts has it
        may_end.set()
        while "_exit" not in names_of(slot):
            time.sleep(0.001)
        for entry in watched._entries:
            entry.interrupted = True
        overtime._raise_in(slot.ident, overtime.TimedOut)
    slot.join(LONG)
    assert job.outcome == complete()
    assert watched._lock.acquire(timeout=LONG)


def names_of(thread):
    """Return the functions that a thread is in."""
    frame, names = sys._current_frames().get(thread.ident), []
    while frame:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names


def test_who_cannot_be_watched_runs_all_the_same(work, monkeypatch):
    """The next run tries again."""
    start, failures = threading.Thread.start, [RuntimeError("can't start new thread")]

    def failing(thread):
        if thread.name == "slots" and failures:
            raise failures.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", failing)
    monkeypatch.setattr("task_core.launcher.overtime.HEED", 0.01)
    infos = [own("a", "timeout=10m"), own("b", "timeout=50ms")]
    _, done = work(lambda info: spin(info == "b"), *infos, kill_time=LONG)
    assert done == {"a": "", "b": "timed out after 50ms"}
    assert not failures


def test_a_thread_that_hears_nothing_is_left_behind(work, release, memory, caplog):
    """Another one takes its slot; one line says which task it was."""
    ended = threading.Event()

    def load(info, ctx):
        if info == "stuck":
            ctx.send(Task.new("child"))
            release.wait()
            ended.set()
            return complete("did it after all")
        return complete("fine")

    with caplog.at_level(logging.WARNING):
        made, done = work(load, own("stuck", "timeout=50ms"), "b")
    assert done == {"stuck": "timed out after 50ms", "b": "fine"}
    assert made.stats.leaked == 1
    (told,) = [one.getMessage() for one in caplog.records]
    assert told == (
        "slot: task load 'stuck' at 1, attempt 1: timed out after 50ms, and its thread"
        " does not end: it is left behind (1 so far), and another one takes its slot"
    )
    release.set()
    assert not ended.wait(GRACE), "it was interrupted when it ran Python again"
    assert memory.tasks("done") == memory.tasks("child") == []


def test_what_a_thread_says_late_is_dropped(work, release, memory):
    """Also when it swallows the exception that was raised in it."""
    ended = threading.Event()

    def load(info):
        if info != "stuck":
            return "fine"
        try:
            release.wait()
            while True:
                time.sleep(0)
        except BaseException:  # noqa: BLE001  as bad workers do
            ended.set()
            return "never mind"

    _, done = work(load, own("stuck", "timeout=50ms"), "b")
    assert done == {"stuck": "timed out after 50ms", "b": "fine"}
    release.set()
    assert ended.wait(LONG)
    assert memory.tasks("done") == []


@pytest.mark.parametrize("is_async", [False, True])
def test_hooks_are_told_of_what_is_left_behind(work, release, hooks, is_async):
    """Who counts what runs must not count it for ever: it finds what it has kept."""
    kept, told = ContextVar("kept", default=""), []

    def started(task):
        kept.set(task.info)

    def finished(task, outcome):
        slot = AT_WORK.get()
        told.append((task.info, outcome.msg, kept.get(), slot and name_of(slot.job)))

    def load(info):
        release.wait()

    async def load_async(info):
        await swallow(release)

    listen = hooks(task_started=started, task_finished=finished)
    work(load_async if is_async else load, "a", timeout=SHORT, hooks=listen)
    name = "load 'a' at 1, attempt 1"
    assert told == [("a", "timed out after 50ms", "a", name)]


def test_too_many_that_are_left_behind_end_the_launcher(work, release, memory):
    """It takes no more; what is left is for a fresh process."""

    def load(info):
        release.wait()

    made, done = work(
        load, "a", "b", "c", timeout=SHORT, max_leaked=2, prefetch=0, max_tasks=0
    )
    assert sorted(done) == ["a", "b"]
    assert made.stats.leaked == 2
    assert memory.depth("load", "load") == 1


async def swallow(release):
    """Heed no cancellation until something is set."""
    while not release.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.001)


def test_a_coroutine_that_heeds_nothing_is_left_behind(work, release, memory, caplog):
    """As a thread is; what it says late is dropped."""
    ended = threading.Event()

    async def load(info, ctx):
        if info == "stuck":
            ctx.send(Task.new("child"))
            await swallow(release)
            ended.set()
            return complete("did it after all")
        return complete("fine")

    with caplog.at_level(logging.WARNING):
        made, done = work(load, own("stuck", "timeout=50ms"), "b")
    assert done == {"stuck": "timed out after 50ms", "b": "fine"}
    assert made.stats.leaked == 1
    # Threads that other tests have left behind may still say something of their own.
    (told,) = [one.getMessage() for one in caplog.records if one.name == "task"]
    assert told == (
        "slot: task load 'stuck' at 1, attempt 1: timed out after 50ms, and does not"
        " heed its cancellation: it is left behind (1 so far), and another one takes"
        " its slot"
    )
    loop = made.parts.slots._thread
    release.set()
    loop.join(LONG)
    assert ended.is_set()
    assert not loop.is_alive()
    assert not made.parts.handover.finished
    assert memory.tasks("done") == memory.tasks("child") == []


def test_too_many_coroutines_that_are_left_behind_end_the_launcher(
    work, release, memory
):
    """As threads do."""

    async def load(info):
        await swallow(release)

    made, done = work(
        load, "a", "b", "c", timeout=SHORT, max_leaked=2, prefetch=0, max_tasks=0
    )
    assert sorted(done) == ["a", "b"]
    assert made.stats.leaked == 2
    assert memory.depth("load", "load") == 1


def test_a_coroutine_has_its_grace_though_others_keep_the_loop_busy(work):
    """It cannot heed before that ends."""

    async def load(info):
        if info == "busy":
            time.sleep(2 * GRACE)  # noqa: ASYNC251  as bad workers do
        else:
            await asyncio.sleep(LONG)

    made, done = work(load, own("a", "timeout=50ms"), "busy", concurrency=2)
    assert done == {"a": "timed out after 50ms", "busy": ""}
    assert made.stats.leaked == 0


@pytest.mark.parametrize("is_async", [False, True])
def test_a_task_may_say_what_it_may_take(work, is_async):
    """What its meta says counts more than what the launcher says."""

    def load(info, ctx):
        return f"{round(ctx.deadline - time.monotonic(), -2):g}"

    async def load_async(info, ctx):
        return load(info, ctx)

    infos = [own("a", "timeout=1h"), "b"]
    _, done = work(load_async if is_async else load, *infos, timeout=600.0)
    assert done == {"a": "3600", "b": "600"}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_task_that_says_nonsense_is_an_error(work, is_async):
    """It does not run, and nobody else suffers."""
    ran = []

    def load(info):
        ran.append(info)

    async def load_async(info):
        ran.append(info)

    infos = [own("a", "timeout=soon"), own("b", "timeout=0s"), own("c", "x=timeout")]
    _, done = work(load_async if is_async else load, *infos)
    assert done == {
        "a": "meta: timeout: not a duration like 10s or 1h30m: 'soon'",
        "b": "meta: timeout: must be more than 0s",
        "c": "",
    }
    assert ran == ["c"]


def test_a_task_ends_early_though_its_launcher_has_no_timeout(work):
    """Its own is enough."""

    def load(info, ctx):
        ctx.wait(LONG)

    _, done = work(load, own("a", "timeout=50ms"), kill_time=10.0)
    assert done == {"a": "timed out after 50ms"}


def test_runs_that_come_and_go_are_watched_anew(work, monkeypatch):
    """Who watches ends when there is nothing to watch."""
    monkeypatch.setattr("task_core.launcher.overtime.IDLE", 0.01)

    def load(info, ctx):
        time.sleep(0.05)
        ctx.wait(LONG)

    _, done = work(load, "a", "b", timeout=SHORT, kill_time=10.0)
    assert done == dict.fromkeys("ab", "timed out after 50ms")
