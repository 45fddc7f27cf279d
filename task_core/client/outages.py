"""A broker that is away: what a client does again, and for how long."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from task_core.api.bus import Bus
from task_core.api.consumer import Consumer
from task_core.errors import BusError
from task_core.launcher.outages import is_passing

FIRST_PAUSE, LAST_PAUSE = 0.1, 1.0
"""Seconds before a lost connection is tried again: they double."""

T = TypeVar("T")


def again(act: Callable[[], T], wait: Callable[[float], bool]) -> T:
    """Do something, again and again while the broker is away.

    Args:
        act: What to do.
        wait: Waits so many seconds; says whether to try once more.

    Raises:
        BusError: It failed in another way, or there is to be no more try.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            return act()
        except BusError as error:
            if not is_passing(error) or not wait(pause):
                raise
        pause = min(2 * pause, LAST_PAUSE)


def attach(
    open_bus: Callable[[], Bus], subscribe: Callable[[Bus], Consumer]
) -> tuple[Bus, Consumer]:
    """Open a bus, and begin to read it; it is closed when that fails."""
    bus = open_bus()
    try:
        return bus, subscribe(bus)
    except BaseException:
        with suppress(BusError):
            bus.close()
        raise
