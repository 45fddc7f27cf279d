"""Rules of the asyncio client: the same verbs, and the event loop goes on."""

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from task_core.client import aio, results
from task_core.client.aio import AsyncClient
from task_core.client.client import Client
from task_core.errors import BusClosedError, BusConnectionError, UsageError
from task_core.task import Task


@pytest.fixture
def tasks(open_bus):
    return AsyncClient(Client(open_bus, "done", "memory"))


def test_tasks_are_sent_and_read(tasks):
    """In order, each settled when its body is left."""

    async def main():
        async with tasks:
            await tasks.send("load", "a")
            sent = await tasks.send_many([Task.new("load", "b")])
            assert sent.count == 1
            return [
                task.info async for task in tasks.read("load", channel="x", timeout=0.1)
            ]

    assert asyncio.run(main()) == ["a", "b"]


def test_a_call_waits_and_the_loop_goes_on(tasks):
    """The worker lives in the same loop."""

    async def work():
        async for task in tasks.read("load", channel="w", timeout=9):
            task.end("complete", "done")
            await tasks.send(task, topic="done")
            return

    async def main():
        async with tasks:
            worker = asyncio.create_task(work())
            done = await tasks.call("load", timeout=9)
            await worker
            return done.msg

    assert asyncio.run(main()) == "done"


def test_a_cancelled_read_ends_at_once(tasks):
    """It does not wait for the next task."""

    async def look():
        async for _ in tasks.read("load", channel="w"):
            pass

    async def main():
        async with tasks:
            reader = asyncio.create_task(look())
            await tasks.send("other")
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader

    asyncio.run(asyncio.wait_for(main(), 9))


def test_a_timeout_may_have_a_unit(tasks):
    """As for the client that blocks; and what is none is named."""

    async def main():
        async with tasks:
            await tasks.send("load", "a", timeout="5s")
            with pytest.raises(UsageError, match="timeout: not a duration"):
                await tasks.send("load", "b", timeout="soon")
            reading = tasks.read("load", channel="x", timeout="100ms")
            return [task.info async for task in reading]

    assert asyncio.run(main()) == ["a"]


def test_a_closed_client_says_so(tasks):
    """As the other one does."""

    async def main():
        await tasks.close()
        with pytest.raises(BusClosedError, match="is closed"):
            await tasks.send("load", "a")

    asyncio.run(main())


async def work(tasks, count):
    """Do tasks in the loop of those who call."""
    async for task in tasks.read("load", channel="w", timeout=60):
        task.end("complete", f"did {task.info}")
        await tasks.send(task, topic="done")
        count -= 1
        if not count:
            return


def test_more_calls_than_threads_are_answered(tasks, monkeypatch):
    """Who waits for a done task keeps nobody from sending it."""
    monkeypatch.setattr(aio, "MOST", 2)

    async def main():
        async with tasks:
            calls = [tasks.call("load", str(n), timeout=60) for n in range(70)]
            worker = asyncio.create_task(work(tasks, len(calls)))
            done = await asyncio.gather(*calls)
            await worker
            return [task.msg for task in done]

    assert asyncio.run(main()) == [f"did {n}" for n in range(70)]


@pytest.fixture
def held(watch):
    """Return a client whose bus takes its time over a step, and who tells and ends it.

    The loop must tell: a loop that stands still is found out.
    """

    def held(step):
        loop, begun, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def act(what):
            if what == step:
                loop.call_soon_threadsafe(begun.set)
                assert go.wait(60), "the loop stood still"

        def open_bus():
            act("open")
            return watch(act)

        return AsyncClient(Client(open_bus, "done", "held")), begun, go

    return held


@pytest.mark.parametrize(
    ("verb", "error", "text"),
    [
        ("call", TimeoutError, "not done after 0.1s"),
        ("send", BusConnectionError, "not confirmed it in 0.1s"),
    ],
)
def test_the_time_of_a_verb_begins_at_once(held, monkeypatch, verb, error, text):
    """Also when all threads are busy; then it is not sent any more."""
    monkeypatch.setattr(aio, "MOST", 1)
    monkeypatch.setattr(aio, "GRACE", 0.0)

    async def main():
        tasks, begun, go = held("open")
        async with tasks:
            sending = asyncio.create_task(tasks.send("other", timeout=60))
            await begun.wait()
            with pytest.raises(error, match=text):
                await getattr(tasks, verb)("load", timeout=0.1)
            go.set()
            await sending
            await tasks.send("load", "only this")
            reading = tasks.read("load", channel="x", timeout=0)
            return [task.info async for task in reading]

    assert asyncio.run(main()) == ["only this"]


def test_a_call_that_is_cancelled_just_when_it_was_sent_ends(tasks, monkeypatch):
    """`asyncio.wait_for` of Python 3.11 would go on, and wait for the done task."""
    run = tasks._run

    async def main():
        async def send(act):
            done = await run(act)
            asyncio.get_running_loop().call_soon(call.cancel)
            return done

        monkeypatch.setattr(tasks, "_run", send)
        call = asyncio.create_task(tasks.call("load", "a", timeout=60))
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(main())


def test_a_cancelled_call_is_waited_for_no_longer(tasks, watch, monkeypatch):
    """Its done task does no harm, and the reader goes when nobody else waits."""
    monkeypatch.setattr(results, "IDLE", 0.05)
    gone = threading.Event()

    def open_bus():
        reads = threading.current_thread().name == "task-results"
        return watch(lambda what: gone.set() if reads and what == "close" else None)

    async def main():
        async with AsyncClient(Client(open_bus, "done", "watched")) as callers, tasks:
            call = asyncio.create_task(callers.call("load", "a", timeout="1h"))
            reading = tasks.read("load", channel="w", timeout=60)
            first = await anext(reading)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            first.end("complete", "too late")
            other = asyncio.create_task(callers.call("load", "b", timeout=60))
            second = await anext(reading)
            second.end("complete", "in time")
            await tasks.send_many([first, second], topic="done")
            assert (await other).msg == "in time"
            await reading.aclose()
            assert await asyncio.to_thread(gone.wait, 60)

    asyncio.run(main())


@pytest.mark.parametrize("step", ["close", "open"])
def test_who_leaves_a_read_does_not_stop_the_loop(tasks, held, monkeypatch, step):
    """However long the bus takes to close, or to open."""
    monkeypatch.setattr(aio, "LAST_WORDS", 60.0 if step == "close" else 0.01)

    async def leave(reading):
        await anext(reading)
        await reading.aclose()

    async def main():
        reader, begun, go = held(step)
        if step == "close":
            await tasks.send("load", "a")
        reading = reader.read("load", channel="x", timeout=60)
        leaving = asyncio.create_task(leave(reading))
        await begun.wait()
        if step == "close":
            go.set()
            await leaving
            return
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        go.set()

    asyncio.run(main())


def run(program):
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


FORKED = """
import asyncio, os
from task_core import connect_async

tasks = connect_async("memory:forked")

async def main(info):
    print((await tasks.send("load", info)).info, flush=True)

asyncio.run(main("parent"))
pid = os.fork()
if pid == 0:
    asyncio.run(main("child"))
    os._exit(0)
os.waitpid(pid, 0)
"""


def test_a_client_begins_anew_in_a_forked_child():
    """With threads of its own: those of its parent are not there."""
    done = run(FORKED)
    assert done.stdout.split() == ["parent", "child"], done.stderr


UNCLOSED = """
import asyncio, threading
from task_core import connect_async
from task_core.client.aio import AsyncClient
from task_core.client.client import Client

tasks = connect_async("memory:unclosed")
stuck = AsyncClient(Client(threading.Event().wait, "done", "stuck"))

async def main():
    for act in (
        tasks.call("load", timeout="1h"),
        stuck.send("load", timeout="1h"),
        anext(stuck.read("load", channel="x")),
    ):
        try:
            await asyncio.wait_for(act, 0.2)
        except TimeoutError:
            print("gave up", flush=True)

asyncio.run(main())
"""


def test_what_nobody_waits_for_any_more_holds_up_no_exit():
    """As for the client that blocks."""
    done = run(UNCLOSED)
    assert (done.returncode, done.stdout.split()) == (0, ["gave", "up"] * 3), done
