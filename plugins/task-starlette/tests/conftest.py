"""Requests to an ASGI application, as a server makes them."""

import json

import pytest


async def _ask(app, path, state, method="GET"):
    """Ask as a server does; return the body of the answer, which is JSON."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "state": dict(state),
    }
    answers = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        answers.append(message)

    await app(scope, receive, send)
    assert answers[0]["status"] == 200
    return json.loads(answers[1]["body"])


@pytest.fixture
def ask():
    """Send a request to an application: the path, the state, and the method."""
    return _ask
