"""The key of a message: those of one key keep their order."""

import msgspec

from task_bus_kafka.options import Key


class _Part(msgspec.Struct, gc=False):
    """The parts of a task that can be a key; the rest is skipped."""

    type: str = ""
    job: str = ""


_decode = msgspec.json.Decoder(_Part).decode


def key_of(body: bytes, key: Key) -> bytes | None:
    """Return the key that a task asks for; None for what is no task, or has none.

    Example:
        >>> key_of(b'{"type":"load","job":"orders"}', Key.JOB)
        b'orders'
    """
    if key is Key.NONE:
        return None
    try:
        part = _decode(body)
    except msgspec.MsgspecError:
        return None
    return (part.job if key is Key.JOB else part.type).encode() or None
