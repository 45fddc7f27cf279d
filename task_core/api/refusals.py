"""What a bus refuses before any I/O: whatever it did not declare, or cannot carry."""

from collections.abc import Sequence
from typing import NoReturn, Protocol

from task_core.api.capabilities import Capabilities, require
from task_core.api.message import Message
from task_core.errors import PayloadError


class Declaring(Protocol):
    """A bus, as far as refusing goes."""

    name: str
    capabilities: Capabilities


def refuse(bus: Declaring, name: str) -> NoReturn:
    """Raise what an undeclared call raises: `UnsupportedCapabilityError`."""
    require(Capabilities(), name, bus.name)
    raise AssertionError(f"{name} is no capability that can be declared")


def check_messages(bus: Declaring, messages: Sequence[Message]) -> None:
    """Refuse messages that ask for what the bus did not declare, before any I/O.

    Raises:
        UnsupportedCapabilityError: For `delay`, `priority` or `headers`.
        PayloadError: A message has no topic, or is longer than `max_bytes`.
    """
    limit = bus.capabilities.max_bytes
    for message in messages:
        if message.delay or message.priority or message.headers:
            _check_extras(bus, message)
        if not message.topic:
            raise PayloadError("topic required: a message names none")
        if limit is not None and len(message.body) > limit:
            size = len(message.body)
            raise PayloadError(
                f"bus '{bus.name}' carries at most {limit} bytes in one message,"
                f" this one for topic '{message.topic}' has {size}"
            )


def _check_extras(bus: Declaring, message: Message) -> None:
    for name in ("delay", "priority", "headers"):
        if getattr(message, name):
            require(bus.capabilities, name, bus.name)
