"""What a bus carries: messages on their way out, deliveries on their way in.

Both are structs, which cost next to nothing to make: two are made for each task. And
what is refused before any I/O: whatever a bus did not declare, or cannot carry, and
names that are none.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from task_core.api.capabilities import Capabilities, require
from task_core.errors import BusError, PayloadError
from task_core.task import Task
from task_core.values import LONGEST_WAIT

LONGEST_DELAY = LONGEST_WAIT.total_seconds()
"""Seconds that a message may be delayed on any bus: calendars of brokers end, too."""


class Message(msgspec.Struct, gc=False):
    """What a producer sends.

    Args:
        topic: Where to.
        body: The bytes, most often a task on the wire.
        key: Messages with one key keep their order on buses that order by key.
        delay: Arrive not before so many seconds (capability `delay`).
        priority: Higher arrives first (capability `priority`).
        headers: Names and values beside the body (capability `headers`).
    """

    topic: str
    body: bytes
    key: str | None = None
    delay: float = 0.0
    priority: int = 0
    headers: dict[str, str] | None = None


class Delivery(msgspec.Struct, gc=False):
    """One receipt of a message.

    Args:
        body: The bytes as they were sent.
        token: What the bus needs to settle it; nobody else looks inside.
        attempt: The how-manyth receipt of this message this is, from 1
            (always 1 without the capability `attempts`).
        headers: As sent (capability `headers`).
        returned: How many of the receipts before this one ended because their holder
            gave the message back, as far as the bus can tell. The others are a sign
            that it kills its worker.
        unsure: How many of those others may be none: given back or done as well, and
            the bus cannot tell.
        position: Where its message is in the topic, if the bus knows: the log names a
            task without id by it. A number, text, bytes, or what `str` makes one.
    """

    body: bytes
    token: Any = None
    attempt: int = 1
    headers: dict[str, str] | None = None
    returned: int = 0
    unsure: int = 0
    position: Any = None

    @property
    def place(self) -> str:
        """Its position as text; empty if the bus does not know."""
        if self.position is None:
            return ""
        is_bytes = isinstance(self.position, bytes)
        return self.position.decode() if is_bytes else str(self.position)


class Settled(msgspec.Struct, gc=False):
    """What became of one delivery.

    Args:
        task: The task, with its result; None when the delivery was none.
        topic: Where it was read.
        fate: `complete`, `error`, `alert`, `warn`; or `retry` (it has failed, and was
            sent to run again), `later` (it was put off, and has not run), `dead` (it
            went to the dead topic), `ignored` (nothing was sent), `read` (by a
            taskmaster, which has sent what it led to).
        attempt: The how-manyth receipt it was.
        took: Seconds in its slot; 0 when it did not run.
        position: As the delivery told.
    """

    task: Task | None
    topic: str
    fate: str
    attempt: int
    took: float
    position: Any = None


class Declaring(Protocol):
    """A bus, as far as refusing goes."""

    name: str
    capabilities: Capabilities


def check_place(bus: Declaring, topic: str, channel: str) -> None:
    """Refuse to read where nobody would find it again.

    A channel without a name is none that anybody can delete: a bus that is asked to
    takes it for the whole topic.

    Raises:
        BusError: The topic or the channel has no name, on a bus that has channels.
    """
    if bus.capabilities.channels and not (topic and channel):
        what = "channel" if topic else "topic"
        text = f"bus '{bus.name}': {what} required: its name is empty"
        raise BusError(f"{text}; say which {what} is to be read")


def check_messages(bus: Declaring, messages: Sequence[Message]) -> None:
    """Refuse messages that ask for what the bus did not declare, before any I/O.

    Raises:
        UnsupportedCapabilityError: For `delay`, `priority` or `headers`.
        PayloadError: Some have no topic, are longer than `max_bytes`, or are to come
            in more than a century; it tells which.
    """
    limit = bus.capabilities.max_bytes
    for one in messages:
        if one.delay or one.priority or one.headers:
            _check_extras(bus, one, messages)
        if not one.topic or (limit is not None and len(one.body) > limit):
            raise _refusal(bus, messages)


def _check_extras(
    bus: Declaring, message: Message, messages: Sequence[Message]
) -> None:
    for name in ("delay", "priority", "headers"):
        if getattr(message, name):
            require(bus.capabilities, name, bus.name)
    if not message.delay <= LONGEST_DELAY:
        raise _refusal(bus, messages)


def _refusal(bus: Declaring, messages: Sequence[Message]) -> PayloadError:
    """Say what is wrong with the first, and which ones are wrong."""
    problems = {at: _problem(bus, one) for at, one in enumerate(messages)}
    found = {at: text for at, text in problems.items() if text}
    return PayloadError(next(iter(found.values())), found)


def _problem(bus: Declaring, message: Message) -> str:
    if not message.topic:
        return "topic required: a message names none"
    if not message.delay <= LONGEST_DELAY:
        years = LONGEST_DELAY / (365.25 * 24 * 3600)
        return f"a delay of {message.delay:g}s is longer than {years:g} years"
    size, limit = len(message.body), bus.capabilities.max_bytes
    if limit is None or size <= limit:
        return ""
    return (
        f"bus '{bus.name}' carries at most {limit} bytes in one message, this one for"
        f" topic '{message.topic}' has {size}"
    )
