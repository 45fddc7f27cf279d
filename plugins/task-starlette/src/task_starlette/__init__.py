"""A client of a bus that lives as long as a Starlette or FastAPI application."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from task_core import connect_async

if TYPE_CHECKING:
    from task_core import AsyncClient

Lifespan = Callable[[Any], AbstractAsyncContextManager[dict[str, Any]]]
"""What an application is given as its `lifespan`."""

__all__ = ["get_tasks", "task_lifespan"]


def task_lifespan(
    url: str | None = None, *, inner: Lifespan | None = None, **options: Any
) -> Lifespan:
    """Return a lifespan that has a client at hand as `request.state.tasks`.

    Args:
        url, options: As for `task_core.connect`.
        inner: Another lifespan of the application, which runs within this one.
    """

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        async with connect_async(url, **options) as tasks:
            if inner is None:
                yield {"tasks": tasks}
                return
            async with inner(app) as state:
                yield {**(state or {}), "tasks": tasks}

    return lifespan


def get_tasks(connection: HTTPConnection) -> "AsyncClient":
    """Return the client of the application; `Depends(get_tasks)` in FastAPI.

    Raises:
        RuntimeError: The application has no `task_lifespan`.
    """
    try:
        tasks: AsyncClient = connection.state.tasks
    except AttributeError:
        text = "no client of a bus: give the application lifespan=task_lifespan(…)"
        raise RuntimeError(text) from None
    return tasks
