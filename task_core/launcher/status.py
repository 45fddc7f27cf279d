"""A small HTTP server that tells how a process is: `/live`, `/ready`, `/info`.

It has a thread and an event loop of its own, so that neither work nor the bus blocks
it, and knows neither: it asks functions. What clients can cost it is bounded.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
import msgspec

from task_core.launcher.listening import MOST_CLIENTS, Listening

MOST_BYTES = 8192
"""Bytes of a request that are read."""
PATIENCE = 5.0
"""Seconds that a client has for its request, and to take the answer."""
SLOW = 2.0
"""Seconds after which a page that is still being made is not waited for."""
JSON, TEXT = "application/json", "text/plain; charset=utf-8"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}

Page = tuple[int, str, bytes]
"""Status, content type and body of an answer."""
LATE: Page = (503, TEXT, b"it is being made, and takes long\n")


def nothing(path: str) -> Page | None:
    """Return None: there are no other pages."""
    return None


@attrs.frozen(kw_only=True, eq=False)
class Pages:
    """What there is to tell. All is called in other threads than those of the work.

    Args:
        info: Returns what `/info` shows.
        unready: Returns why `/ready` says no; empty when it says yes.
        other: Returns the answer for another path, or None.
        more: What else there is, for who has asked for something else.
    """

    info: Callable[[], Mapping[str, Any]]
    unready: Callable[[], str] = lambda: ""
    other: Callable[[str], Page | None] = nothing
    more: str = ""

    def page(self, path: str) -> Page:
        """Return the answer for a path."""
        match path:
            case "/live":
                return 200, TEXT, b"live\n"
            case "/ready":
                reason = self.unready()
                text = reason or "ready"
                return 503 if reason else 200, TEXT, f"{text}\n".encode()
            case "/info" | "/":
                facts = msgspec.json.encode(self.info(), enc_hook=str)
                return 200, JSON, msgspec.json.format(facts) + b"\n"
        text = f"there is /live, /ready and /info{self.more}\n"
        return self.other(path) or (404, TEXT, text.encode())


class StatusServer:
    """Serves pages at an address until it is closed.

    Args:
        address: `HOST:PORT`, or `unix:PATH`.
        pages: What to tell.

    Raises:
        UsageError: The address is none, or is in use.

    Example:
        >>> server = StatusServer("127.0.0.1:0", Pages(info=dict))
        >>> server.close()
    """

    def __init__(self, address: str, pages: Pages) -> None:
        self._pages = pages
        self._listening = Listening(address)
        self.address = self._listening.address
        """Where it listens, as clients write it."""
        self._clients: dict[asyncio.Task[None], None] = {}  # the oldest first
        self._making: dict[str, asyncio.Future[Page]] = {}
        self._over = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more; a socket file goes, if it is ours."""
        self._listening.remove()
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)

    def _main(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        socket = self._listening.socket
        server = await asyncio.start_server(self._meet, sock=socket, limit=MOST_BYTES)
        await self._over.wait()
        # Accept nobody else; a server that is closed would leave open who is coming in.
        self._loop.remove_reader(socket)
        me = asyncio.current_task()
        for _ in range(5):  # that takes turns
            await asyncio.sleep(0)
            for client in [*self._clients]:
                client.cancel()
            if others := asyncio.all_tasks() - {me}:
                await asyncio.wait(others, timeout=PATIENCE)
        server.close()

    async def _meet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one client, however slow or odd it is."""
        me = asyncio.current_task()
        assert me is not None
        if self._over.is_set():
            writer.transport.abort()
            return
        if len(self._clients) >= MOST_CLIENTS:
            next(iter(self._clients)).cancel()
        self._clients[me] = None
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(await self._answer(reader))
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError, ValueError, asyncio.CancelledError):
            writer.transport.abort()
            await asyncio.sleep(0)  # the transport has yet to be told so
        finally:
            del self._clients[me]

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            head = error.partial
        except asyncio.LimitOverrunError:
            return _response(400, TEXT, b"the request is too long\n")
        words = head.partition(b"\r\n")[0].decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _response(400, TEXT, b"this is HTTP: GET /live\n")
        method, target, _ = words
        if method not in {"GET", "HEAD"}:
            return _response(405, TEXT, b"GET or HEAD\n")
        page = await self._page(target.partition("?")[0])
        return _response(*page, empty=method == "HEAD")

    async def _page(self, path: str) -> Page:
        """Return the answer for a path; what may take long is made elsewhere."""
        if path == "/live":
            return self._pages.page(path)
        made = self._making.get(path) or self._make(path)
        try:
            async with asyncio.timeout(SLOW):
                return await asyncio.shield(made)  # others wait for it, too
        except TimeoutError:
            return LATE

    def _make(self, path: str) -> asyncio.Future[Page]:
        """Begin to make a page: in a thread, and in one for all who ask for it."""
        made: asyncio.Future[Page] = self._loop.create_future()
        self._making[path] = made

        def end(page: Page) -> None:
            del self._making[path]
            made.set_result(page)

        def make() -> None:
            try:
                page = self._pages.page(path)
            except Exception as error:  # noqa: BLE001  plugins make pages as well
                text = f"{path} raised {type(error).__name__}: {error}\n"
                page = 503, TEXT, text.encode(errors="replace")
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(end, page)

        try:
            threading.Thread(target=make, name="status", daemon=True).start()
        except RuntimeError as error:  # the system has no more: the next one may
            end((503, TEXT, f"cannot be made: {error}\n".encode()))
        return made


def _response(status: int, kind: str, body: bytes, *, empty: bool = False) -> bytes:
    lines: Iterable[str] = (
        f"HTTP/1.1 {status} {_REASONS[status]}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    )
    head = "\r\n".join((*lines, "", "")).encode()
    return head if empty else head + body
