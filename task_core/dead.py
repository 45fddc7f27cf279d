"""Dead letters: what could not be decoded or run, with its bytes and the reason."""

import binascii

import msgspec

from task_core.errors import DecodeError

KEPT_BYTES = (65_536, 1_024, 0)
"""How much of its original a dead letter keeps that a bus cannot carry, try by try."""
_SUFFIX = ".dead"
_encode = msgspec.json.Encoder().encode


class DeadLetter(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message on a dead topic (`<topic>.dead`), as JSON in this key order.

    Args:
        reason: Why it is here, in one line.
        topic: Where it came from, and where a re-drive sends it.
        channel: Whose consumer gave up on it.
        position: Where it was in the topic, if the bus knows.
        attempt: How often it had been handed out.
        time: When it came here, RFC 3339.
        body: The original bytes as text.
        body64: The original bytes in base64, when they are not UTF-8.
        rest: What was cut off, because the bus carries no letter so long: how many
            bytes, and their SHA-256.
    """

    reason: str
    topic: str
    channel: str = ""
    position: str = ""
    attempt: int = 1
    time: str = ""
    body: str = ""
    body64: str = ""
    rest: str = ""

    @property
    def original(self) -> bytes:
        """The bytes exactly as they were received, but for the `rest`."""
        if self.body64:
            return binascii.a2b_base64(self.body64, strict_mode=True)
        return self.body.encode()


_decode = msgspec.json.Decoder(DeadLetter).decode


def dead_topic(topic: str) -> str:
    """Return the topic that takes the dead letters of another one.

    Example:
        >>> dead_topic("load")
        'load.dead'
    """
    return f"{topic}{_SUFFIX}"


def is_dead_topic(topic: str) -> bool:
    """Whether a topic takes the dead letters of another one.

    Example:
        >>> is_dead_topic(dead_topic("load"))
        True
    """
    return topic.endswith(_SUFFIX)


def origin_of(topic: str) -> str:
    """Return the topic whose dead letters a dead topic takes.

    Example:
        >>> origin_of("load.dead")
        'load'
    """
    return topic.removesuffix(_SUFFIX)


def encode_dead(letter: DeadLetter, original: bytes, keep: int | None = None) -> bytes:
    """Write a dead letter as one line of JSON, without the newline.

    Args:
        letter: Everything but the bytes.
        original: The bytes as received.
        keep: How many of them to keep, when the bus cannot carry all.
    """
    if keep is not None and keep < len(original):
        original, rest = original[:keep], original[keep:]
        letter.rest = f"{len(rest)} bytes, SHA-256 {_digest(rest)}"
    try:
        letter.body = original.decode()
    except UnicodeDecodeError:
        letter.body64 = binascii.b2a_base64(original, newline=False).decode()
    try:
        return _encode(letter)
    except UnicodeEncodeError:  # half of a surrogate pair in the reason
        letter.reason = letter.reason.encode(errors="replace").decode()
        return _encode(letter)


def _digest(data: bytes) -> str:
    import hashlib  # noqa: PLC0415  few letters are cut

    return hashlib.sha256(data).hexdigest()


def decode_dead(body: bytes) -> DeadLetter:
    """Read a dead letter.

    Raises:
        DecodeError: The bytes are no dead letter.
    """
    try:
        letter = _decode(body)
        _ = letter.original
    except RecursionError:
        raise DecodeError("not a dead letter: nested too deeply") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise DecodeError(f"not a dead letter: {error}") from None
    return letter
