"""Leases on messages, and how many of them become one statement."""

from collections.abc import Sequence
from operator import attrgetter

import msgspec

Run = tuple[float, int, int]
"""Leases with one end, on messages with successive numbers: end, first, last."""

_number = attrgetter("message")


class Lease(msgspec.Struct, gc=False):
    """The token of a delivery: a row of `held` that is ours as long as it is there.

    Args:
        message: The message's number.
        due: When it ends; with the owner, this tells our lease from a later one.
        file: Generation of the file that it was read from.
    """

    message: int
    due: float
    file: int = 0


def runs_of(leases: Sequence[Lease]) -> list[Run]:
    """Put leases together that one statement can end.

    Example:
        >>> runs_of([Lease(8, 1.5), Lease(7, 1.5), Lease(3, 1.5)])
        [(1.5, 3, 3), (1.5, 7, 8)]
    """
    if len(leases) == 1:  # one at a time is most of the life of a slow worker
        lease = leases[0]
        return [(lease.due, lease.message, lease.message)]
    runs = []
    first, last, due = 0, -1, 0.0
    for lease in sorted(leases, key=_number):
        if lease.message == last + 1 and lease.due == due:
            last += 1
            continue
        if last >= first:
            runs.append((due, first, last))
        first = last = lease.message
        due = lease.due
    if last >= first:
        runs.append((due, first, last))
    return runs
