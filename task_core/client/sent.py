"""Sending many tasks, a batch at a time, and what became of them."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice

import attrs

from task_core.errors import (
    BusConnectionError,
    FrameworkError,
    PayloadError,
    SendError,
    UsageError,
)
from task_core.task import Task
from task_core.values import parse_wait

BATCH = 500
"""Tasks that `send_many` sends in one call of the bus."""
Span = str | float | timedelta
"""A time with its unit, as `"1h"`, or in seconds."""


@attrs.frozen
class Sent:
    """What became of many tasks.

    Args:
        count: How many were confirmed.
        unsent: Those that were not, in order.
        error: Why; None when all were.
    """

    count: int = 0
    unsent: tuple[Task, ...] = ()
    error: FrameworkError | None = None


def send_batches(tasks: Iterable[Task], confirm: Callable[[list[Task]], None]) -> Sent:
    """Send batches until one fails as a whole.

    Args:
        tasks: What to send; taken as it is sent.
        confirm: Sends a batch; raises what the bus raises.
    """
    sent, source = Sent(), iter(tasks)
    while batch := [*islice(source, BATCH)]:
        sent = _send_batch(batch, confirm, sent)
        if isinstance(sent.error, SendError | BusConnectionError):
            break
    return sent


def _send_batch(
    batch: list[Task], confirm: Callable[[list[Task]], None], sent: Sent
) -> Sent:
    """Return what became of this batch and of those before."""
    try:
        confirm(batch)
    except PayloadError as error:
        refused = set(error.refused or range(len(batch)))
        left = [task for at, task in enumerate(batch) if at not in refused]
        unsent = (*sent.unsent, *(batch[at] for at in sorted(refused)))
        sent = Sent(sent.count, unsent, sent.error or error)
        return _send_batch(left, confirm, sent) if left else sent
    except (SendError, BusConnectionError) as error:
        lost = getattr(error, "unsent", ()) or range(len(batch))
        unsent = (*sent.unsent, *(batch[at] for at in lost))
        return Sent(sent.count + len(batch) - len(lost), unsent, error)
    return attrs.evolve(sent, count=sent.count + len(batch))


def seconds_of(span: Span) -> float:
    """Return a time in seconds.

    Raises:
        UsageError: It is none.

    Example:
        >>> seconds_of("1m30s")
        90.0
    """
    try:
        if isinstance(span, str):
            span = parse_wait(span)
        seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    except (TypeError, ValueError) as error:
        raise UsageError(f"unique: {error}") from None
    if not seconds > 0:
        raise UsageError(f"unique: must be more than nothing, got {span}")
    return seconds
