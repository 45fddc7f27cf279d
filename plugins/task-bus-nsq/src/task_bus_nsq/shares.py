"""How a limit is shared among connections: the whole logic of RDY."""

from collections.abc import Sequence

import attrs

PROBE = 0.1
"""Seconds after which a quiet connection is asked again while others are busy."""


@attrs.frozen(kw_only=True, eq=False)
class Standing:
    """What is known of one connection.

    Args:
        asked_at: When it was last asked for something.
        is_busy: Whether it had something when it was last asked.
    """

    asked_at: float
    is_busy: bool


def share(limit: int, connections: Sequence[Standing], now: float) -> list[int]:
    """Share a limit out; the shares never sum up to more.

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

    shares = [0] * count
    for index in sorted(range(count), key=urgency)[: max(0, limit)]:
        shares[index] = 1
    return shares


def _spread(limit: int, connections: Sequence[Standing]) -> list[int]:
    takers = [i for i, it in enumerate(connections) if it.is_busy]
    takers = takers or list(range(len(connections)))
    shares = [1] * len(connections)
    each, more = divmod(limit - len(connections), max(1, len(takers)))
    takers.sort(key=lambda index: connections[index].asked_at)
    for rank, index in enumerate(takers):
        shares[index] += each + (rank < more)
    return shares
