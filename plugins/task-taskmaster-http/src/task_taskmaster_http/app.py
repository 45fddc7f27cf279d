"""The addresses: what a request must be, and what it is answered."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import attrs
import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from task_core.api import Clock, Task
from task_taskmaster_http.bodies import Parcel, Plan, read_tasks
from task_taskmaster_http.desk import Desk
from task_taskmaster_http.front import Front
from task_taskmaster_http.keys import HEADER, read_key
from task_taskmaster_http.openapi import document, page
from task_taskmaster_http.problem import RequestError
from task_taskmaster_http.queries import check_query, topic_of
from task_taskmaster_http.rates import Rates
from task_taskmaster_http.rules import Rules
from task_taskmaster_http.tokens import LOCAL, Token, Tokens, refuse_strangers

SLOWEST = 10.0
"""Seconds that a body may take to come."""
_GET, _POST = ["GET"], ["POST"]
_Answer = Callable[[Request], Awaitable[Response]]

log = logging.getLogger("task.taskmaster.http")


@attrs.frozen(kw_only=True)
class Limits:
    """What a request may cost.

    Args:
        body: Bytes of it.
        tasks: How many.
        rate: Requests a second of one guest; 0: no limit.
    """

    body: int
    tasks: int
    rate: int


class Planner(Protocol):
    """Who plans backloads; another distribution brings how."""

    def plan(self, body: bytes, most: int) -> Plan:
        """Return what a request comes to, of so many tasks at most."""


class Api:
    """Answers requests.

    Args:
        rules: Tokens and hooks.
        desk: Where tasks wait for the bus.
        limits: What a request may cost.
        clock: For the dates of tasks.
        host: Where it listens.
        local: Whether only this machine reaches it: then it needs no tokens.
        backloads: Plans what `POST /backload` asks for; None where it is not offered.
    """

    def __init__(
        self,
        rules: Rules,
        desk: Desk,
        limits: Limits,
        clock: Clock,
        *,
        host: str,
        local: bool,
        backloads: Planner | None = None,
    ) -> None:
        self._tokens = Tokens(rules.tokens)
        self._hooks = rules.hooks
        self._desk = desk
        self._limits = limits
        self._clock = clock
        self._hosts = (*LOCAL, host)
        self._local = local
        self._backloads = backloads
        self._rates = Rates(clock.monotonic)
        self._document = msgspec.json.encode(
            document(rules, backload=backloads is not None)
        )
        self._page = page(rules)

    def app(self) -> ASGIApp:
        """Return the application."""
        tasks = self._guarded(self._tasks, ("topic",))
        app = Starlette(
            routes=[
                Route("/tasks", tasks, methods=_POST),
                Route("/hooks/{name}", self._guarded(self._hook), methods=_POST),
                Route("/backload", self._guarded(self._backload, ()), methods=_POST),
                Route("/openapi.json", self._guarded(self._openapi), methods=_GET),
                Route("/live", self._guarded(self._live), methods=_GET),
                Route("/", self._guarded(self._index), methods=_GET),
            ],
            exception_handlers={HTTPException: _not_here, Exception: _bug},
        )
        app.router.redirect_slashes = False  # its answer would have no body
        return Front(app, "/tasks", tasks, _bug)

    def _guarded(
        self, answer: _Answer, known: Collection[str] | None = None
    ) -> _Answer:
        """Answer what is wrong, too.

        Args:
            answer: What to guard.
            known: What a query may have; None: all, as of probes and hooks.
        """

        async def guarded(request: Request) -> Response:
            try:
                if known is not None:
                    check_query(request, known)
                return await answer(request)
            except RequestError as error:
                return _problem(error)
            except ClientDisconnect:
                return Response(status_code=400)

        return guarded

    async def _tasks(self, request: Request) -> Response:
        token = self._guest(request)
        body = await self._body(request)
        topic = topic_of(request)
        kind = request.headers.get("content-type", "")
        parcels, many = read_tasks(body, kind, topic, self._limits.tasks, self._clock)
        for parcel in parcels:
            token.check(parcel.task.type, parcel.topic)
        key = read_key(token.name, request.headers.get(HEADER))
        sent = await self._desk.confirm(parcels, key)
        told = [_told(parcel) for parcel in sent]
        return _json(202, {"tasks": told} if many else told[0])

    async def _hook(self, request: Request) -> Response:
        name = request.path_params["name"]
        hook = self._hooks.get(name)
        if hook is None:
            raise RequestError(404, f"there is no hook '{name}'")
        token = None
        if hook.signature is None:
            token = self._guest(request)
        else:
            self._rates.check(f"hook {name}", self._limits.rate)
        body = await self._body(request)
        if hook.signature is not None:
            hook.signature.check(body, request.headers)
        found = hook.parcel(body, request.headers, self._clock)
        if found is None:
            return _json(200, {"ignored": f"it is not what hook '{name}' is for"})
        parcel, asked = found
        if token is not None:
            token.check(parcel.task.type, parcel.topic)
        given = request.headers.get(hook.key) if hook.key else None
        key = read_key(f"hook {name}", given, header=hook.key, asked=asked)
        (sent,) = await self._desk.confirm([parcel], key)
        return _json(202, _told(sent))

    async def _backload(self, request: Request) -> Response:
        token = self._guest(request)
        if self._backloads is None:
            text = "backload is not offered here: it needs --taskmaster-workflows"
            raise RequestError(501, text)
        body = await self._body(request)
        make, most = self._backloads.plan, self._limits.tasks
        plan = await run_in_threadpool(make, body, most)
        if not plan.execute:
            tasks = [parcel.task for parcel in plan.parcels]
            return _json(200, _planned("DRY RUN ONLY", plan.notes, tasks))
        for parcel in plan.parcels:
            token.check(parcel.task.type, parcel.topic)
        given = request.headers.get(HEADER)
        key = read_key(token.name, given, asked=plan.asked)
        sent = await self._desk.confirm(plan.parcels, key)
        tasks = [parcel.task for parcel in sent]
        return _json(202, _planned("Executed", plan.notes, tasks))

    async def _openapi(self, request: Request) -> Response:
        return Response(self._document, media_type="application/json")

    async def _live(self, request: Request) -> Response:
        return _json(200, {"status": "ok"})

    async def _index(self, request: Request) -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(self._page, headers=headers)

    def _guest(self, request: Request) -> Token:
        """Return who sends, if they may now.

        Raises:
            RequestError: They may not.
        """
        token = self._tokens.find(request.headers.get("authorization"))
        if not self._tokens:
            refuse_strangers(request.headers, self._hosts if self._local else ())
        client = request.client.host if request.client else ""
        rate = self._limits.rate if token.rate is None else token.rate
        self._rates.check(token.name or client, rate)
        return token

    async def _body(self, request: Request) -> bytes:
        """Read the body, as far as it is not too long or too slow."""
        most = self._limits.body
        text = f"the body is longer than {most:,} bytes: send it in parts"
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            raise RequestError(413, text)
        parts, size, more = list[bytes](), 0, True
        try:
            async with asyncio.timeout(SLOWEST):
                while more:  # not `stream()`, which costs as much as all of this
                    message = await request.receive()
                    if message["type"] != "http.request":
                        raise ClientDisconnect
                    parts.append(message.get("body", b""))
                    more = message.get("more_body", False)
                    size += len(parts[-1])
                    if size > most:
                        raise RequestError(413, text)
        except TimeoutError:
            raise RequestError(408, "the body did not come in time") from None
        return b"".join(parts)


def _told(parcel: Parcel) -> dict[str, str]:
    task = parcel.task
    return {"id": task.id, "type": task.type, "topic": parcel.topic}


def _planned(status: str, notes: str, tasks: list[Task]) -> dict[str, object]:
    """Return what flowlord answers, with its keys."""
    return {"Status": f"{status}: {notes}", "Count": len(tasks), "Tasks": tasks}


def _json(status: int, value: object) -> Response:
    body = msgspec.json.encode(value) + b"\n"  # a terminal's next line begins anew
    return Response(body, status, media_type="application/json")


def _problem(error: RequestError) -> Response:
    response = _json(error.status, {"error": error.text})
    response.headers.update(error.headers)
    return response


async def _not_here(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    method, path = request.method, request.url.path
    text = f"there is no {path}: GET / tells what there is"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        text = f"{path} takes {allowed}, not {method}"
    return _problem(RequestError(error.status_code, text, error.headers))


async def _bug(request: Request, error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return _problem(RequestError(500, "an error of the server: its log tells more"))
