"""A real FastAPI application sends tasks: the example of the README, as written."""

import asyncio
import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def app(task_client):
    """The application of the README, on a bus that is here."""
    (code,) = re.findall("```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {"__name__": "readme"}
    source = code.replace("nsq://localhost:4150", task_client.url)
    exec(compile(source, str(README), "exec"), names)
    return names["app"]


def test_the_example_of_the_readme_sends(app, task_client, ask):
    """Its dependency is the client; the answer has the id of the task."""

    async def serve():
        async with app.router.lifespan_context(app) as state:
            return [await ask(app, f"/orders/{n}", state, "POST") for n in range(3)]

    answers = asyncio.run(serve())
    task_client.assert_sent("charge", count=3)
    sent = [it.task for it in task_client.sent]
    assert [one["task"] for one in answers] == [task.id for task in sent]
    assert [task.info for task in sent] == ["order=0", "order=1", "order=2"]


def test_without_the_lifespan_a_request_says_what_is_missing(app, ask):
    """The state of a request has no client then."""
    with pytest.raises(RuntimeError, match="lifespan=task_lifespan"):
        asyncio.run(ask(app, "/orders/1", {}, "POST"))


def test_the_client_is_no_parameter_of_the_interface(app):
    """What FastAPI injects is not asked of who calls."""
    (operation,) = app.openapi()["paths"]["/orders/{number}"].values()
    assert [one["name"] for one in operation["parameters"]] == ["number"]
