"""How often somebody may come: so many requests a second, and as many at once."""

import math
from collections.abc import Callable

from task_taskmaster_http.problem import RequestError

MOST_KNOWN = 10_000
"""Guests that are remembered; those that have been quiet are forgotten first."""


class Rates:
    """Counts requests by who sends them.

    Args:
        monotonic: Tells seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._full: dict[str, float] = {}  # when a guest may have all again

    def check(self, guest: str, rate: int) -> None:
        """Count a request.

        Args:
            guest: Who sends it.
            rate: Most requests a second; 0: no limit.

        Raises:
            RequestError: It is one too many; the answer says when to come again.
        """
        if not rate:
            return
        now = self._monotonic()
        full = max(self._full.pop(guest, now), now) + 1 / rate
        wait = full - now - 1.0
        if wait > 1e-9:
            self._full[guest] = full - 1 / rate
            text = f"more than {rate} requests a second: come again later"
            headers = {"Retry-After": str(math.ceil(wait))}
            raise RequestError(429, text, headers)
        if len(self._full) >= MOST_KNOWN:
            self._forget(now)
        self._full[guest] = full

    def _forget(self, now: float) -> None:
        self._full = {it: full for it, full in self._full.items() if full > now}
        while len(self._full) >= MOST_KNOWN:
            del self._full[next(iter(self._full))]  # who came longest ago
