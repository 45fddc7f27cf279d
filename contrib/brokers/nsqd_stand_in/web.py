"""A small HTTP server, as much of it as nsqd and nsqlookupd need."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from brokers.nsqd_stand_in.wire import is_name


class HttpError(Exception):
    """What is answered to a request that is refused.

    Args:
        status: of the answer.
        text: what is wrong, in one word.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Request:
    """What was asked.

    Args:
        query: of the address.
        body: that came with it.
    """

    def __init__(self, query: str, body: bytes) -> None:
        self.body = body
        self._values = parse_qs(query, keep_blank_values=True)

    def get(self, name: str) -> str | None:
        """Return the first value, if there is one."""
        return self._values.get(name, [None])[0]

    def need(self, name: str) -> str:
        """Return the first value.

        Raises:
            HttpError: there is none.
        """
        value = self.get(name)
        if value is None:
            raise HttpError(400, f"MISSING_ARG_{name.upper()}")
        return value

    def topic_and_channel(self) -> tuple[str, str]:
        """Return the two names.

        Raises:
            HttpError: one is missing or is no name.
        """
        topic = self.need("topic")
        if not is_name(topic.encode()):
            raise HttpError(400, "INVALID_ARG_TOPIC")
        channel = self.need("channel")
        if not is_name(channel.encode()):
            raise HttpError(400, "INVALID_ARG_CHANNEL")
        return topic, channel


Handler = Callable[[Request], Awaitable[object]]
Routes = Mapping[tuple[str, str], Handler]
"""Handlers by method and path; they return text, what goes out as JSON, or None."""


async def serve(
    routes: Routes, host: str, port: int, tls: ssl.SSLContext | None = None
) -> asyncio.Server:
    """Listen, and return the server."""

    async def connection(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while await _one(routes, reader, writer):
                pass
        except (OSError, ValueError, EOFError):
            pass  # a client that is gone or speaks no HTTP gets no answer
        finally:
            writer.close()

    return await asyncio.start_server(connection, host, port, ssl=tls)


async def _one(
    routes: Routes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Answer one request; return whether another may follow."""
    line = (await reader.readline()).decode("latin-1").split()
    if len(line) != 3:
        return False
    method, target, _ = line
    headers = {}
    while header := (await reader.readline()).decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip().lower()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    handler = routes.get((method, parts.path))
    writer.write(await _answer(handler, Request(parts.query, body)))
    await writer.drain()
    return headers.get("connection") != "close"


async def _answer(handler: Handler | None, request: Request) -> bytes:
    if handler is None:
        return _refused(HttpError(404, "NOT_FOUND"))
    try:
        found = await handler(request)
    except HttpError as error:
        return _refused(error)
    return _response(200, found)


def _refused(error: HttpError) -> bytes:
    return _response(error.status, {"message": str(error)})


def _response(status: int, found: object) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    body = b""
    if isinstance(found, str):
        body = found.encode()
        lines.append("Content-Type: text/plain; charset=utf-8")
    elif found is not None:
        body = json.dumps(found, separators=(",", ":")).encode()
        lines.append("Content-Type: application/json; charset=utf-8")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
