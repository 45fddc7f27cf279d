"""The client for `asyncio`: the same verbs as coroutines, which block no event loop."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar

from task_core.client.client import Client
from task_core.client.connect import connect
from task_core.client.parts import LAST_WORDS
from task_core.client.pool import Pool
from task_core.client.sent import TIMEOUT, Sent, seconds_of
from task_core.errors import BusConnectionError
from task_core.task import Task

MOST = 32
"""Threads that send at a time, at most; who waits for a done task needs none."""
IDLE = 10.0
"""Seconds after which one goes that has nothing to send."""
GRACE = 1.0
"""Seconds that a call, when its time is over, has to tell why it could not be sent."""

T = TypeVar("T")


def connect_async(url: str | None = None, **more: Any) -> "AsyncClient":
    """Return a client whose verbs are coroutines; arguments as for `connect`.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     async with connect_async("memory:example") as tasks:
        ...         return (await tasks.send("load", "a.csv")).info
        >>> asyncio.run(main())
        'a.csv'
    """
    return AsyncClient(connect(url, **more))


class AsyncClient:
    """Made by `task_core.connect_async`; see `Client` for what the verbs do.

    Args:
        client: Does the work, in threads of its own.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._made_pool: Pool | None = None
        self._pid = 0  # whose threads these are

    async def send(self, task: Task | str, info: str = "", **more: Any) -> Task:
        """Send a task; it is confirmed when this returns."""
        seconds = seconds_of("timeout", more.pop("timeout", TIMEOUT))
        end = monotonic() + seconds

        def send() -> Task:
            left = max(0.0, end - monotonic())  # threads may have been long in coming
            return self._client.send(task, info, timeout=left, **more)

        try:
            async with asyncio.timeout(seconds + GRACE):
                return await self._run(send)
        except TimeoutError:
            name = self._client.name
            late = f"bus '{name}' has not confirmed it in {seconds:g}s"
            raise BusConnectionError(late) from None

    async def send_many(self, tasks: Iterable[Task], **more: Any) -> Sent:
        """Send many tasks, a batch at a time."""
        return await self._run(partial(self._client.send_many, tasks, **more))

    async def call(self, task: Task | str, info: str = "", **more: Any) -> Task:
        """Send a task, and wait for its done task."""
        self._client.check_open()
        call = self._client.prepare_call(task, info, **more)
        try:
            # Not `wait_for`, which before Python 3.12 loses a cancellation that comes
            # just when what it waits for is there.
            async with asyncio.timeout(call.left() + GRACE):
                done = await self._run(call.begin)
            async with asyncio.timeout(call.left()):
                return await asyncio.wrap_future(done)
        except TimeoutError:
            raise call.late() from None
        finally:
            call.end()

    async def read(self, topic: str, **more: Any) -> AsyncGenerator[Task]:
        """Iterate over the tasks of a topic; each is settled when its body is left."""
        tasks = self._client.read(topic, **more)
        owner = Pool("task-read", 1, None)  # one thread at a time has a bus
        try:
            while True:
                following = owner.submit(partial(next, tasks, None))
                task = await asyncio.wrap_future(following)
                if task is None:
                    return
                yield task
        finally:
            tasks.stop()
            closing = owner.submit(tasks.close)
            owner.close()
            # Other coroutines go on meanwhile; a broker that is away is given up.
            await asyncio.wait([asyncio.wrap_future(closing)], timeout=LAST_WORDS)

    async def close(self) -> None:
        """Close the connections; may be repeated."""
        closer = Pool("task-close", 1, None)  # the others may all be busy
        closing = closer.submit(self._client.close)
        closer.close()
        await asyncio.wrap_future(closing)
        self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def _pool(self) -> Pool:
        """The threads that send: another process needs its own."""
        if self._made_pool is None or self._pid != os.getpid():
            self._made_pool, self._pid = Pool("task-client", MOST, IDLE), os.getpid()
        return self._made_pool

    async def _run(self, act: Callable[[], T]) -> T:
        self._client.check_open()
        return await asyncio.wrap_future(self._pool.submit(act))
