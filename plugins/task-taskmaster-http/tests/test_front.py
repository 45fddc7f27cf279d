"""The short way to one address, and the way to all others."""

import asyncio
import json
import logging

import pytest
from starlette.responses import PlainTextResponse
from task_taskmaster_http.app import _bug
from task_taskmaster_http.front import Front


def answered(app, method, path):
    """Return status and body of the answer to a request."""
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    told = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        told.append(message)

    asyncio.run(app(scope, receive, send))
    return told[0]["status"], told[1]["body"].decode()


async def ours(request):
    return PlainTextResponse(f"ours {request.method}")


async def broken(request):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("method", "path", "by"),
    [
        ("POST", "/tasks", "ours POST"),
        ("GET", "/tasks", "others"),
        ("POST", "/tasks/", "others"),
        ("POST", "/hooks/x", "others"),
    ],
)
def test_one_address_is_answered_the_short_way(method, path, by):
    """All else goes the usual one."""
    app = Front(PlainTextResponse("others"), "/tasks", ours, _bug)
    assert answered(app, method, path) == (200, by)


def test_a_bug_is_answered_and_told_in_the_log(caplog):
    """As everywhere; the next request is answered."""
    app = Front(PlainTextResponse("others"), "/tasks", broken, _bug)
    with caplog.at_level(logging.ERROR):
        status, body = answered(app, "POST", "/tasks")
    assert (status, list(json.loads(body))) == (500, ["error"])
    assert "ZeroDivisionError" in caplog.text
