"""What a client may do, as the HTTP server for authorizations tells."""

import json
import re
import time
from asyncio import to_thread
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen


class Authorizations:
    """What one secret allows.

    Args:
        answer: of the server, decoded.
    """

    def __init__(self, answer: dict[str, Any]) -> None:
        self.identity = str(answer.get("identity", ""))
        self.identity_url = str(answer.get("identity_url", ""))
        self.entries: list[dict[str, Any]] = answer.get("authorizations") or []
        self._expires = time.monotonic() + float(answer["ttl"])

    @property
    def expired(self) -> bool:
        """Whether the server is to be asked again."""
        return time.monotonic() > self._expires

    def allow(self, topic: str, channel: str) -> bool:
        """Whether to subscribe, or without a channel to publish, is allowed."""
        need = "subscribe" if channel else "publish"
        return any(
            need in entry["permissions"]
            and re.search(entry["topic"], topic) is not None
            and any(re.search(it, channel) for it in entry["channels"])
            for entry in self.entries
        )


async def ask(servers: Iterable[str], query: dict[str, str]) -> Authorizations | None:
    """Ask one server after the other what a secret allows; None if none says."""
    for server in servers:
        url = f"http://{server}/auth?{urlencode(query)}"
        try:
            return Authorizations(await to_thread(_get, url))
        except (OSError, ValueError, KeyError):
            continue
    return None


def _get(url: str) -> dict[str, Any]:
    with urlopen(url, timeout=5) as answer:
        decoded: dict[str, Any] = json.load(answer)
    return decoded
