"""Messages as client libraries read and send them, and what they take on the way."""

from collections.abc import Iterator, Sequence

import msgspec

from task_bus_kafka.headers import Pairs

_FRAME = 61
"""Bytes of a batch beside its records."""
_FIXED = 3
"""Bytes of a record beside its length, key, body and headers."""


class Record(msgspec.Struct, gc=False):
    """A message as a client library read it."""

    partition: int
    offset: int
    body: bytes
    headers: Sequence[tuple[str, bytes | None]] | None


class Outgoing(msgspec.Struct, gc=False):
    """A message as a client library sends it."""

    topic: str
    body: bytes
    key: bytes | None
    partition: int | None
    headers: Pairs


def size_of(message: Outgoing) -> int:
    """Return the bytes of a batch with this message alone.

    Example:
        >>> size_of(Outgoing("t", b"x" * 1000, None, None, []))
        1070
    """
    parts: list[str | bytes | None] = [message.key, message.body]
    for pair in message.headers:
        parts += pair
    record = _FIXED + _varint(len(message.headers)) + sum(map(_part, parts))
    return _FRAME + _varint(record) + record


def _part(part: str | bytes | None) -> int:
    if part is None:
        return 1
    size = len(part.encode() if isinstance(part, str) else part)
    return _varint(size) + size


def _varint(number: int) -> int:
    """Return how many bytes Kafka writes a number with; its sign takes a bit."""
    return max(1, -(-(2 * number).bit_length() // 7))


def rounds(
    messages: Sequence[Outgoing], largest: int | None
) -> Iterator[Sequence[Outgoing]]:
    """Yield messages in parts, in order, none of which is too much at once."""
    begin = size = 0
    for at, message in enumerate(messages if largest else ()):
        size += (one := size_of(message))
        if largest and size > largest and at > begin:
            yield messages[begin:at]
            begin, size = at, one
    yield messages[begin:]
