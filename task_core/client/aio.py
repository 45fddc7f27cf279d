"""The client for `asyncio`: the same verbs as coroutines, which block no event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from task_core.client.client import Client
from task_core.client.connect import connect
from task_core.client.sent import Sent
from task_core.task import Task

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
        self._pool = ThreadPoolExecutor(thread_name_prefix="task-client")

    async def send(self, task: Task | str, info: str = "", **more: Any) -> Task:
        """Send a task; it is confirmed when this returns."""
        return await self._run(partial(self._client.send, task, info, **more))

    async def send_many(self, tasks: Iterable[Task], **more: Any) -> Sent:
        """Send many tasks, a batch at a time."""
        return await self._run(partial(self._client.send_many, tasks, **more))

    async def call(self, task: Task | str, info: str = "", **more: Any) -> Task:
        """Send a task, and wait for its done task."""
        return await self._run(partial(self._client.call, task, info, **more))

    async def read(self, topic: str, **more: Any) -> AsyncIterator[Task]:
        """Iterate over the tasks of a topic; each is settled when its body is left."""
        loop = asyncio.get_running_loop()
        tasks = self._client.read(topic, **more)
        with ThreadPoolExecutor(1, "task-read") as owner:  # a bus belongs to one thread
            try:
                while True:
                    task = await loop.run_in_executor(owner, next, tasks, None)
                    if task is None:
                        return
                    yield task
            finally:
                tasks.stop()
                owner.submit(tasks.close)

    async def close(self) -> None:
        """Close the connections; may be repeated."""
        await asyncio.get_running_loop().run_in_executor(None, self._client.close)
        self._pool.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, act: Callable[[], T]) -> T:
        self._client.check_open()
        return await asyncio.get_running_loop().run_in_executor(self._pool, act)
