"""What a client may do, as the HTTP server for authorizations tells."""

import asyncio
import json
import re
import ssl
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen


class Authorizations:
    """What one secret allows.

    Args:
        answer: of the server, decoded.

    Raises:
        ValueError: it is not what nsqd takes.
    """

    def __init__(self, answer: dict[str, Any]) -> None:
        self.identity = str(answer.get("identity", ""))
        self.identity_url = str(answer.get("identity_url", ""))
        self.entries: list[dict[str, Any]] = answer.get("authorizations") or []
        seconds = answer.get("ttl", 0)
        for entry in self.entries:
            if not {*entry.get("permissions", ())} <= {"subscribe", "publish"}:
                raise ValueError("unknown permission")
        if seconds <= 0:
            raise ValueError(f"invalid TTL {seconds} (must be >0)")
        self._expires: float = time.monotonic() + seconds

    @property
    def expired(self) -> bool:
        """Whether the server is to be asked again."""
        return time.monotonic() > self._expires

    def allow(self, topic: str, channel: str) -> bool:
        """Whether to subscribe, or without a channel to publish, is allowed."""
        need = "subscribe" if channel else "publish"
        return any(
            need in entry.get("permissions", ())
            and re.search(entry.get("topic", ""), topic) is not None
            and any(re.search(it, channel) for it in entry.get("channels", ()))
            for entry in self.entries
        )


async def ask(options: SimpleNamespace, query: dict[str, str]) -> Authorizations:
    """Ask the servers, one after the other, what a secret allows.

    Raises:
        ValueError: no server answered as it should.
    """
    seconds = options.http_client_request_timeout
    for server in options.auth_http_address:
        base = server if "://" in server else f"http://{server}/auth"
        url = f"{base}?{urlencode(query)}"
        try:
            return Authorizations(await asyncio.to_thread(_get, url, seconds))
        except (OSError, ValueError):
            continue
    raise ValueError("no server for authorizations answered")


def _get(url: str, seconds: float) -> dict[str, Any]:
    context = ssl.create_default_context() if url.startswith("https") else None
    request = Request(url, headers={"Accept": "application/vnd.nsq; version=1.0"})
    with urlopen(request, timeout=seconds, context=context) as answer:
        decoded: dict[str, Any] = json.load(answer)
    return decoded
