"""The headers that messages are written with: servers count them, too."""

import json

from task_bus_nats.names import Names
from task_bus_nats.wire import head_of
from task_core.api import Message

HEADERS = "Task-Headers"
"""The header that carries all of a message's, as JSON: NATS takes few names."""
_DUE = "9999-12-31T23:59:59.999999Z"
"""Some time, as long as any."""
_ADDED = len("Nats-Rollup: sub\r\n")
"""What a server writes itself into a message that has a delay, and counts."""


def headers_of(message: Message, subject: str, due: str) -> dict[str, str]:
    """Return the headers of a message.

    Args:
        message: What is sent.
        subject: Of its topic: where what has a delay goes in the end.
        due: When that is, in ISO format.
    """
    headers = {}
    if message.headers:
        headers[HEADERS] = json.dumps(message.headers)
    if message.delay:
        headers["Nats-Schedule"] = f"@at {due}"
        headers["Nats-Schedule-Target"] = subject
    return headers


def size_of(message: Message, names: Names) -> int:
    """Return how many bytes a server counts of a message."""
    if not (message.headers or message.delay):
        return len(message.body)
    subject = names.place(message.topic).subject
    head = head_of(headers_of(message, subject, _DUE))
    return len(head) + len(message.body) + (_ADDED if message.delay else 0)
