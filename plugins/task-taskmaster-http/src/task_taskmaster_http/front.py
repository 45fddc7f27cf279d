"""The short way to one address: past all that looks for others."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class Front:
    """Answers requests to one address itself, and hands on all others.

    Looking for a route, and guarding it, costs a good part of a small request.

    Args:
        app: For all others.
        path: The address; for POST alone.
        answer: Answers; it raises nothing but bugs.
        bug: Answers when it does.
    """

    def __init__(
        self,
        app: ASGIApp,
        path: str,
        answer: Callable[[Request], Awaitable[Response]],
        bug: Callable[[Request, Exception], Awaitable[Response]],
    ) -> None:
        self._app = app
        self._path = path
        self._answer = answer
        self._bug = bug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope.get("path") != self._path or scope.get("method") != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Exception as error:  # noqa: BLE001  its log tells it
            response = await self._bug(request, error)
        await response(scope, receive, send)
