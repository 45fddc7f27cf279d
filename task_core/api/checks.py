"""What a bus refuses before any I/O: whatever it did not declare, or cannot carry."""

from collections.abc import Sequence
from typing import Protocol

from task_core.api.capabilities import Capabilities, require
from task_core.api.message import Message
from task_core.errors import PayloadError


class Declaring(Protocol):
    """A bus, as far as refusing goes."""

    name: str
    capabilities: Capabilities


def check_messages(bus: Declaring, messages: Sequence[Message]) -> None:
    """Refuse messages that ask for what the bus did not declare, before any I/O.

    Raises:
        UnsupportedCapabilityError: For `delay`, `priority` or `headers`.
        PayloadError: Some have no topic, or are longer than `max_bytes`; it tells
            which.
    """
    limit = bus.capabilities.max_bytes
    for message in messages:
        if message.delay or message.priority or message.headers:
            _check_extras(bus, message)
        if not message.topic or (limit is not None and len(message.body) > limit):
            raise _refusal(bus, messages)


def _check_extras(bus: Declaring, message: Message) -> None:
    for name in ("delay", "priority", "headers"):
        if getattr(message, name):
            require(bus.capabilities, name, bus.name)


def _refusal(bus: Declaring, messages: Sequence[Message]) -> PayloadError:
    """Say what is wrong with the first, and which ones are wrong."""
    problems = {at: _problem(bus, one) for at, one in enumerate(messages)}
    found = {at: text for at, text in problems.items() if text}
    return PayloadError(next(iter(found.values())), found)


def _problem(bus: Declaring, message: Message) -> str:
    if not message.topic:
        return "topic required: a message names none"
    size, limit = len(message.body), bus.capabilities.max_bytes
    if limit is None or size <= limit:
        return ""
    return (
        f"bus '{bus.name}' carries at most {limit} bytes in one message, this one for"
        f" topic '{message.topic}' has {size}"
    )
