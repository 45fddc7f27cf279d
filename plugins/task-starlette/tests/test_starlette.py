"""A real Starlette application sends tasks; it is driven as an ASGI server does."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from task_starlette import get_tasks, task_lifespan

from task_core.api import BusClosedError, OptionError


async def order(request):
    """Send a task for an order, and tell its id."""
    task = await get_tasks(request).send("charge", request.path_params["number"])
    return JSONResponse({"id": task.id})


def application(**more):
    return Starlette(routes=[Route("/orders/{number}", order)], **more)


def test_a_route_sends_over_the_client_of_the_application(task_client, ask):
    """Many requests at a time share it."""
    app = application(lifespan=task_lifespan())

    async def serve():
        async with app.router.lifespan_context(app) as state:
            gets = (ask(app, f"/orders/{n}", state) for n in range(20))
            return await asyncio.gather(*gets)

    answers = asyncio.run(serve())
    task_client.assert_sent("charge", count=20)
    ids = {it.task.id for it in task_client.sent}
    assert {it["id"] for it in answers} == ids


def test_the_client_closes_with_the_application(task_client):
    """Nothing is left open."""
    app = application(lifespan=task_lifespan(task_client.url))

    async def serve():
        async with app.router.lifespan_context(app) as state:
            tasks = state["tasks"]
            await tasks.send("charge")
        await asyncio.wait_for(tasks.close(), 10)
        return tasks

    tasks = asyncio.run(serve())
    with pytest.raises((BusClosedError, RuntimeError)):
        asyncio.run(tasks.send("charge"))


def test_a_lifespan_of_the_application_runs_within(task_client, ask):
    """And its state is kept."""
    seen = []

    @asynccontextmanager
    async def own(app):
        seen.append("begin")
        yield {"own": 1}
        seen.append("end")

    app = application(lifespan=task_lifespan(inner=own))

    async def serve():
        async with app.router.lifespan_context(app) as state:
            assert set(state) == {"own", "tasks"}
            await ask(app, "/orders/1", state)

    asyncio.run(serve())
    assert seen == ["begin", "end"]
    task_client.assert_sent("charge", info="1")


def test_wrong_options_end_the_start():
    """With what is wrong."""
    app = application(lifespan=task_lifespan("memory", nam="x"))

    async def serve():
        async with app.router.lifespan_context(app):
            pytest.fail("it must not start")

    with pytest.raises(OptionError, match="did you mean 'name'"):
        asyncio.run(serve())


def test_a_missing_lifespan_is_told(ask):
    """Where a route needs it."""
    with pytest.raises(RuntimeError, match="lifespan=task_lifespan"):
        asyncio.run(ask(application(), "/orders/1", {}))
