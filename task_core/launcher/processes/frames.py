"""What a launcher and its child processes say to one another, and how it is framed.

Each frame is a length of four bytes and a MessagePack list of messages. Nothing but the
pair of sockets that both have carries them: no stranger can write there.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

LENGTH = 4
"""Bytes of a frame's length."""


class Struct(msgspec.Struct, array_like=True, tag=True, gc=False):
    """What all messages are."""


class Begin(Struct):
    """To a child: who you are; the first message.

    Args:
        recipe: A pickled `Recipe`.
    """

    recipe: bytes


class Work(Struct):
    """To a child: do this, when you have done what I gave you before.

    Args:
        number: Names it in answers.
        task: The task on the wire.
        attempt: The how-manyth receipt it is.
        position: Where its message is, if its name needs that.
    """

    number: int
    task: bytes
    attempt: int
    position: str = ""


class Cancel(Struct):
    """To a child: the launcher stops.

    Args:
        grace: Seconds that runs have.
    """

    grace: float


class Recall(Struct):
    """To a child: give back what you have not begun."""


class Close(Struct):
    """To a child: end when you have done what you have."""


class Ready(Struct):
    """From a child: I have the worker."""


class Broken(Struct):
    """From a child: I cannot make the worker.

    Args:
        text: Why, in one line.
        log: The traceback, for its author.
    """

    text: str
    log: str = ""


class Done(Struct):
    """From a child: this is how it went.

    Args:
        number: Of what.
        task: The task, as its run has left it.
        kind, msg, delay: The outcome.
        took: Seconds.
        excepted: Whether it failed with an exception after which it runs again.
        told: Whether the log has said why it failed.
        children: The child tasks, each with its topic.
    """

    number: int
    task: bytes
    kind: str
    msg: str
    delay: float | None
    took: float
    excepted: bool
    told: bool
    children: list[tuple[bytes, str]]


class Back(Struct):
    """From a child: these I have not begun, and will not.

    Args:
        numbers: In the order in which they came.
    """

    numbers: list[int]


class Retire(Struct):
    """From a child: I begin nothing more.

    Args:
        reason: Why, for the log.
    """

    reason: str


class Log(Struct):
    """From a child: a line for the log.

    Args:
        record: The fields of a `logging.LogRecord`, its text made.
    """

    record: dict[str, Any]


class Print(Struct):
    """From a child: something that was printed.

    Args:
        stream: 1 or 2, as descriptors are numbered.
        text: What; perhaps a part of a line.
    """

    stream: int
    text: str


ToChild = Begin | Work | Cancel | Recall | Close
FromChild = Ready | Broken | Done | Back | Retire | Log | Print

_encode = msgspec.msgpack.Encoder().encode


def frame(messages: Sequence[Struct]) -> bytes:
    """Return the bytes of some messages."""
    body = _encode(messages)
    return len(body).to_bytes(LENGTH, "big") + body


class Frames:
    """Takes a stream of bytes apart.

    Args:
        kind: What messages there may be.
    """

    def __init__(self, kind: Any) -> None:
        self._decode = msgspec.msgpack.Decoder(list[kind]).decode
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """Return the messages that are complete with some more bytes."""
        stream, found, at = self._bytes, [], 0
        stream += data
        while len(stream) >= at + LENGTH:
            end = at + LENGTH + int.from_bytes(stream[at : at + LENGTH], "big")
            if len(stream) < end:
                break
            found += self._decode(memoryview(stream)[at + LENGTH : end].tobytes())
            at = end
        del stream[:at]
        return found
