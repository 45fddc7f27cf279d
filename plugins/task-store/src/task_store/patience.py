"""Sits out the times when the store is away."""

import os
from collections.abc import Callable
from typing import TypeVar

from task_core.api import TaskmasterContext
from task_store.errors import StoreAwayError
from task_store.waiting import with_beat

T = TypeVar("T")
FIRST_PAUSE = 0.1
LAST_PAUSE = 5.0
"""Seconds before the next attempt: they double from the first to the last."""


class Patience:
    """Tries again until the store is back; one line when it goes, and one after.

    Args:
        ctx: Waits, logs, and knows whether to stop.
    """

    def __init__(self, ctx: TaskmasterContext) -> None:
        self._ctx = ctx

    def insist(self, act: Callable[[], T]) -> T:
        """Do something with the store, again and again while it is away.

        Raises:
            StoreAwayError: It is away, and somebody wants to stop.
        """
        since, pause = self._ctx.clock.monotonic(), 0.0
        while True:
            try:
                with with_beat(self._beat):
                    done = act()
            except StoreAwayError as error:
                if self._ctx.stopping:
                    raise
                if not pause:
                    self._ctx.log.warning("%s; trying again until it is back", error)
                pause = min(LAST_PAUSE, 2 * pause or FIRST_PAUSE)
                self._ctx.wait(pause * (0.5 + os.urandom(1)[0] / 510))
            else:
                if pause:
                    seconds = self._ctx.clock.monotonic() - since
                    self._ctx.log.warning("the store is back after %.1fs", seconds)
                return done

    def _beat(self) -> bool:
        """Keep the leases of what is in work, while a server says nothing."""
        return self._ctx.stopping
