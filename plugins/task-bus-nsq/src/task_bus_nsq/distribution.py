"""How a limit is distributed over connections: the whole logic of RDY."""

from collections.abc import Sequence
from typing import Protocol

PROBE = 0.1
"""Seconds after which a quiet connection is asked again while others are busy."""


class Activity(Protocol):
    """What is known of one connection.

    Args:
        asked_at: When it was last asked for something.
        is_busy: Whether it had something when it was last asked.
    """

    asked_at: float
    is_busy: bool


def distribute(limit: int, connections: Sequence[Activity], now: float) -> list[int]:
    """Distribute a limit; the parts never sum up to more.

    With enough for all, a quiet connection gets one, and busy ones the rest. With too
    little, those that were asked longest ago get one each: busy ones first, but no
    quiet one waits for longer than `PROBE`.

    Args:
        limit: How much may come in all.
        connections: All that are alive.
        now: The time.
    """
    count = len(connections)
    if limit >= count:
        return _spread(limit, connections)

    def urgency(index: int) -> tuple[bool, float]:
        it = connections[index]
        is_due = it.is_busy or now - it.asked_at >= PROBE
        return (not is_due, it.asked_at)

    parts = [0] * count
    for index in sorted(range(count), key=urgency)[: max(0, limit)]:
        parts[index] = 1
    return parts


def _spread(limit: int, connections: Sequence[Activity]) -> list[int]:
    takers = [i for i, it in enumerate(connections) if it.is_busy]
    takers = takers or list(range(len(connections)))
    parts = [1] * len(connections)
    each, more = divmod(limit - len(connections), max(1, len(takers)))
    takers.sort(key=lambda index: connections[index].asked_at)
    for rank, index in enumerate(takers):
        parts[index] += each + (rank < more)
    return parts
