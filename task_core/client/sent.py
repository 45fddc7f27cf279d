"""What a client sends: one message for each task, and what became of many."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import islice
from threading import TIMEOUT_MAX
from typing import Any

import msgspec

from task_core.api.message import Message
from task_core.api.plugin import not_a_task
from task_core.errors import (
    BusConnectionError,
    DecodeError,
    FrameworkError,
    PayloadError,
    SendError,
    UsageError,
    nearest,
)
from task_core.task import Task, topic_of
from task_core.values import parse_wait
from task_core.wire import encode_readable

BATCH = 500
"""Tasks that `send_many` sends in one call of the bus."""
TIMEOUT = 30.0
"""Seconds until a broker counts as away, for who says nothing."""
MOMENT = 1e-6
"""The shortest time, where none makes no sense."""
LONGEST = TIMEOUT_MAX / 2
"""The longest time, in seconds: no lock waits for much longer. A century is less."""
Span = str | float | timedelta
"""A time with its unit, as `"1h"`, or in seconds."""


class Sent(msgspec.Struct, frozen=True):
    """What became of many tasks.

    Args:
        count: How many were confirmed.
        unsent: Those that were not, in order.
        error: Why; None when all were.
    """

    count: int = 0
    unsent: tuple[Task, ...] = ()
    error: FrameworkError | None = None


_FIELDS = ("job", "meta", "id", "clock")
"""What a new task may be given beside its type and info."""


_ARGUMENTS = {
    "send": ("topic", "delay", "priority", "key", "unique", "timeout", "connection"),
    "call": ("topic", "timeout"),
}
"""What those who make a task can be given besides."""


def as_task(task: Task | str, info: str, fields: dict[str, Any], verb: str) -> Task:
    """Return a task that is given, or a new one of this type.

    Args:
        task, info, fields: What the caller gave.
        verb: Who makes it: `send` or `call`.

    Raises:
        TypeError: It is given, and info or fields besides, or there is no such field.
        UsageError: It is no task.
    """
    if not isinstance(task, str | Task):
        raise UsageError(not_a_task(task))
    for name in fields:
        if name not in _FIELDS:
            hint = nearest(name, [*_FIELDS, *_ARGUMENTS[verb]])
            raise TypeError(f"{verb} has no argument '{name}'{hint}")
    if isinstance(task, str):
        return Task.new(task, info, **fields)
    if info or fields:
        raise TypeError("a task says itself what its info and other fields are")
    return task


def message_of(task: Task, topic: str | None) -> Message:
    """Return what carries a task.

    Args:
        task: What to send.
        topic: Where to; the task's type when None.

    Raises:
        TypeError: The topic is no text.
        UsageError: It is no task, or one for no topic.
        DecodeError: Nobody could read it, or no topic can be made of its type.
    """
    if not isinstance(task, Task):
        raise UsageError(not_a_task(task))
    if topic is not None:
        check_text("topic", topic)
    body, _ = encode_readable(task)  # what we send, everybody must read
    if name := topic or topic_of(task):
        return Message(name, body)
    raise UsageError("the type is empty: say what the task is, for example hello")


def messages_of(tasks: Sequence[Task], topic: str | None) -> list[Message]:
    """Return what carries a batch.

    Raises:
        PayloadError: One of them can never be sent; it has its position.
    """
    messages = []
    for position, task in enumerate(tasks):
        try:
            messages.append(message_of(task, topic))
        except (DecodeError, UsageError) as error:
            raise PayloadError(str(error), [position]) from None
    return messages


def send_batches(tasks: Iterable[Task], confirm: Callable[[list[Task]], None]) -> Sent:
    """Send batches until one fails as a whole.

    Args:
        tasks: What to send; taken as it is sent. An error of theirs is raised when all
            that was taken before is sent.
        confirm: Sends a batch; raises what the bus raises.
    """
    sent, source, failed = Sent(), iter(tasks), None
    while not failed:
        batch: list[Task] = []
        try:
            batch.extend(islice(source, BATCH))
        except Exception as error:  # noqa: BLE001  raised below
            failed = error
        if not batch:
            break
        for task in batch:
            if not isinstance(task, Task):
                raise UsageError(not_a_task(task))
        sent = _send_batch(batch, confirm, sent)
        if isinstance(sent.error, SendError | BusConnectionError):
            return sent
    if failed:
        raise failed
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
    return msgspec.structs.replace(sent, count=sent.count + len(batch))


def check_text(name: str, value: object) -> None:
    """Refuse what is no text.

    Raises:
        TypeError: It is none; the error names the argument.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name}: a text is wanted, not {value!r}")


def add_extras(message: Message, priority: int, key: str | None) -> None:
    """Give a message its priority and key.

    Raises:
        TypeError: The priority is no whole number, or the key no text.
    """
    if not isinstance(priority, int) or isinstance(priority, bool):
        raise TypeError(f"priority: a whole number is wanted, not {priority!r}")
    if key is not None:
        check_text("key", key)
    message.priority, message.key = priority, key


def seconds_of(name: str, span: Span, *, least: float = 0.0) -> float:
    """Return a time in seconds, which may be for ever: that is `LONGEST`.

    Raises:
        UsageError: It is none, or too short.

    Example:
        >>> seconds_of("unique", "1m30s")
        90.0
    """
    if type(span) is float and least <= span < LONGEST:  # most are
        return span
    wanted = "a text like '10s' or a number of seconds is wanted"
    if not isinstance(span, str | int | float | timedelta) or isinstance(span, bool):
        raise UsageError(f"{name}: {wanted}, not {span!r}")
    try:
        if isinstance(span, str):
            span = parse_wait(span)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if not seconds >= least:
        rule = "be more than nothing" if least else "not be negative"
        raise UsageError(f"{name}: must {rule}, got {span}")
    return float(seconds) if seconds < LONGEST else LONGEST
