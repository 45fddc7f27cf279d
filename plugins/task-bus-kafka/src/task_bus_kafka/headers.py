"""Headers: text for us, bytes for Kafka; and the time before which to wait."""

import time
from collections.abc import Iterable, Mapping

DUE = "task-due"
"""Milliseconds since 1970: nobody is given the message before."""
DIGITS = 15
"""A longer time than that many is none: nobody lives to see it."""

Pairs = list[tuple[str, str | bytes | None]]


def pack(headers: Mapping[str, str] | None, delay: float) -> Pairs:
    """Return what goes beside a body.

    Args:
        headers: Names and values of the sender.
        delay: Seconds from now.
    """
    pairs: Pairs = [(name, value.encode()) for name, value in (headers or {}).items()]
    if delay > 0:
        pairs.append((DUE, str(round((time.time() + delay) * 1000)).encode()))
    return pairs


def unpack(
    pairs: Iterable[tuple[str, bytes | None]] | None,
) -> tuple[dict[str, str] | None, float]:
    """Return the sender's headers, and the seconds that a message has to wait."""
    headers, wait = {}, 0.0
    for name, value in pairs or ():
        text = (value or b"").decode(errors="replace")
        if name == DUE and text.isdecimal() and len(text) <= DIGITS:
            wait = int(text) / 1000 - time.time()
        else:
            headers[name] = text
    return headers or None, wait
