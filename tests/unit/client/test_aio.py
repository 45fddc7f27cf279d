"""Rules of the asyncio client: the same verbs, and the event loop goes on."""

import asyncio

import pytest

from task_core.client.aio import AsyncClient
from task_core.client.client import Client
from task_core.errors import BusClosedError, UsageError
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
