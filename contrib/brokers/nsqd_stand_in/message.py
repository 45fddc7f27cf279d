"""One message as one channel has it."""

import struct

from brokers.nsqd_stand_in.wire import MESSAGE

_HEAD = struct.Struct(">iiQH")
_FIXED = 4 + 8 + 2 + 16


class Message:
    """A body with its id, and how often this channel has handed it out.

    Args:
        id: sixteen hexadecimal digits, in ASCII.
        timestamp: when it was published: nanoseconds of Unix time.
        body: what was published.
        attempts: how often it was handed out so far.
    """

    __slots__ = ("attempts", "body", "delivered", "due", "id", "owner", "timestamp")

    def __init__(
        self, id: bytes, timestamp: int, body: bytes, attempts: int = 0
    ) -> None:
        self.id = id
        self.timestamp = timestamp
        self.body = body
        self.attempts = attempts
        self.owner: object = None
        self.delivered = 0.0
        self.due = 0.0

    def copy(self) -> "Message":
        """Return the same for another channel."""
        return Message(self.id, self.timestamp, self.body, self.attempts)

    def frame(self) -> bytes:
        """Return it as it goes out."""
        size = _FIXED + len(self.body)
        head = _HEAD.pack(size, MESSAGE, self.timestamp, self.attempts)
        return head + self.id + self.body


def message_id(number: int) -> bytes:
    """Return the id of the message with this number."""
    return b"%016x" % number
