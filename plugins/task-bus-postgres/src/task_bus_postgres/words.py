"""Messages as the functions in the database read them."""

from collections.abc import Sequence

import msgspec

from task_bus_postgres.binary import BYTEA, FLOAT8, INT4, TEXT, array, float8, int4
from task_core.api import Message, PayloadError

LONGEST_NAME = 1000
"""Bytes of a topic's name: an index has it."""
MOST_URGENT = 100
"""The highest priority; each that is used is a part of the queue of its own."""
Words = tuple[bytes | None, ...]
NOTHING: Words = (None,) * 6

encoded = msgspec.json.encode


def words_of(messages: Sequence[Message]) -> Words:
    """Return messages as the function `send` reads them.

    Raises:
        PayloadError: PostgreSQL can never carry some of them.
    """
    topic = messages[0].topic
    names, places = [topic], None
    if any(one.topic != topic for one in messages):
        names = list(dict.fromkeys(one.topic for one in messages))
        numbers = {name: int4(at) for at, name in enumerate(names, 1)}
        places = array(INT4, [numbers[one.topic] for one in messages])
    delays = ranks = headers = None
    if any(one.delay or one.priority or one.headers for one in messages):
        delays = array(FLOAT8, [float8(one.delay) for one in messages])
        headers = _headers_of(messages)
        if any(one.priority for one in messages):
            ranks = array(INT4, [int4(rank_of(one.priority)) for one in messages])
    try:
        topics = array(TEXT, [name_of(name) for name in names])
    except ValueError:
        raise _refusal(messages) from None
    bodies = array(BYTEA, [one.body for one in messages])
    return topics, bodies, places, delays, ranks, headers


def name_of(topic: str) -> bytes:
    """Return a name of a topic or channel as PostgreSQL has it.

    Raises:
        ValueError: It can have none such.
    """
    name = topic.encode()
    if b"\0" in name or len(name) > LONGEST_NAME:
        raise ValueError(
            f"bus 'postgres': the name {topic[:40]!r} has the character NUL, or more"
            f" than {LONGEST_NAME} bytes"
        )
    return name


def rank_of(priority: int) -> int:
    """Return the place of a priority: what is smaller comes first."""
    return -max(-MOST_URGENT, min(priority, MOST_URGENT))


def _headers_of(messages: Sequence[Message]) -> bytes:
    try:
        return array(
            TEXT, [encoded(one.headers) if one.headers else None for one in messages]
        )
    except UnicodeError:
        raise _refusal(messages) from None


def _refusal(messages: Sequence[Message]) -> PayloadError:
    """Say what is wrong with the first, and which ones are wrong."""
    found = {at: text for at, one in enumerate(messages) if (text := _problem(one))}
    return PayloadError(next(iter(found.values())), found)


def _problem(message: Message) -> str:
    try:
        name_of(message.topic)
    except UnicodeError:
        return f"bus 'postgres': topic {message.topic!r} is no Unicode text"
    except ValueError as error:
        return str(error)
    try:
        encoded(message.headers)
    except UnicodeError:
        about = f"bus 'postgres': a message for topic '{message.topic}'"
        return f"{about} has headers that are no Unicode text"
    return ""
