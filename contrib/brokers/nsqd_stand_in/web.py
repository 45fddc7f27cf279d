"""A small HTTP server, as much of it as nsqd and nsqlookupd need."""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from brokers.nsqd_stand_in.log import Log

_MARK = ("X-Nsq-Content-Type", "nsq; version=1.0")
_JSON = ("Content-Type", "application/json; charset=utf-8")
_PLAIN = ("Content-Type", "text/plain; charset=utf-8")


class HttpError(Exception):
    """What is answered to a request that is refused.

    Args:
        status: of the answer.
        text: what is wrong, in one word.
        headers: of the answer, beside the usual ones.
    """

    def __init__(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


class Request:
    """What was asked.

    Args:
        path: without the query.
        query: of the address.
        body: that came with it.
    """

    def __init__(self, path: str, query: str, body: bytes) -> None:
        self.path = path
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


Handler = Callable[[Request], object]
Routes = Mapping[tuple[str, str], Handler]


class Web:
    """Answers requests by what stands in routes.

    Args:
        routes: handlers by method and path; they return text, what is to be shown
            as JSON, or None for nothing.
        log: for a line about each request.
        refusal: what every request is answered instead, if not None.
    """

    def __init__(
        self, routes: Routes, log: Log, refusal: Callable[[], bytes] | None = None
    ) -> None:
        self._routes, self._log, self._refusal = routes, log, refusal
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(
        self, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> asyncio.Server:
        """Listen, and return the server."""
        return await asyncio.start_server(self._connection, host, port, ssl=tls)

    def close(self) -> None:
        """Close all connections."""
        for writer in list(self._writers):
            writer.close()

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass  # a client that is gone or speaks no HTTP gets no answer
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; return whether another may follow."""
        line = (await reader.readline()).decode("latin-1").split()
        if len(line) != 3:
            return False
        method, target, version = line
        headers = await _headers(reader)
        body = await _body(reader, headers)
        writer.write(self._answer(method, target, body))
        await writer.drain()
        return version == "HTTP/1.1" and headers.get("connection") != "close"

    def _answer(self, method: str, target: str, body: bytes) -> bytes:
        if self._refusal is not None:
            return _response(403, self._refusal(), _MARK, _JSON)
        parts = urlsplit(target)
        try:
            handler = self._handler(method, parts.path)
            found = handler(Request(parts.path, parts.query, body))
        except HttpError as error:
            self._log.tell(f"{error.status} {method} {target}")
            headers = *error.headers, _MARK, _JSON
            return _response(error.status, _dump({"message": str(error)}), *headers)
        self._log.tell(f"200 {method} {target}")
        if parts.path == "/ping":
            return _response(200, str(found).encode(), _PLAIN)
        if found is None or isinstance(found, str):
            kind = [_PLAIN] if found else []
            return _response(200, (found or "").encode(), _MARK, *kind)
        return _response(200, _dump(found), _MARK, _JSON)

    def _handler(self, method: str, path: str) -> Handler:
        if (method, path) in self._routes:
            return self._routes[method, path]
        allowed = sorted(known for known, of in self._routes if of == path)
        if allowed:
            allow = ("Allow", ", ".join(sorted(("OPTIONS", *allowed))))
            raise HttpError(405, "METHOD_NOT_ALLOWED", allow)
        raise HttpError(404, "NOT_FOUND")


def _dump(data: object) -> bytes:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def _response(status: int, body: bytes, *headers: tuple[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip().lower()
    return headers


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    parts = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await _headers(reader)
    return b"".join(parts)
