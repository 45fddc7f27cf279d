"""What a bus carries: messages on their way out, deliveries on their way in.

Both are structs, where other records are attrs classes: two are made for each task.
"""

from typing import Any

import msgspec


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
    """

    body: bytes
    token: Any = None
    attempt: int = 1
    headers: dict[str, str] | None = None
    returned: int = 0
