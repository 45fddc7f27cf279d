"""Frames out, sizes and bodies in, and the errors that nsqd answers with."""

import struct

RESPONSE, ERROR, MESSAGE = 0, 1, 2
_HEADER = struct.Struct(">ii")
_SIZE = struct.Struct(">i")


class ProtocolError(Exception):
    """What is answered to a command that is refused.

    Args:
        code: of the error, like `E_INVALID`.
        text: what is wrong.
        fatal: whether the connection is closed after it.
    """

    def __init__(self, code: str, text: str, *, fatal: bool = True) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.fatal = fatal

    @property
    def frame(self) -> bytes:
        """The error as it goes out."""
        return frame(ERROR, str(self).encode("utf-8", "surrogateescape"))


class IncompleteError(Exception):
    """A command goes on in bytes that have not come yet.

    Args:
        needed: bytes that there must be before it is worth another try.
        failure: what to answer when no more bytes come.
    """

    def __init__(self, needed: int, failure: ProtocolError) -> None:
        super().__init__(str(failure))
        self.needed = needed
        self.failure = failure


class Reader:
    """Reads sizes and bodies of one command from what has come so far.

    Args:
        data: all bytes that are not yet used.
        position: where the next byte to read is.
    """

    __slots__ = ("data", "position")

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position

    def body(self, size: int, failure: ProtocolError) -> bytes:
        """Read that many bytes; the failure is for an end before them."""
        start, end = self.position, self.position + size
        if end > len(self.data):
            raise IncompleteError(end, failure)
        self.position = end
        return self.data[start:end]

    def size(self, failure: ProtocolError) -> int:
        """Read a size: four bytes, signed."""
        return int(_SIZE.unpack(self.body(4, failure))[0])


def text_of(data: bytes) -> str:
    """Return bytes as text; those that are none survive the way back."""
    return data.decode("utf-8", "surrogateescape")


def number(digits: bytes, failure: str) -> int:
    """Read a number without a sign; none at all is zero.

    Raises:
        ProtocolError: it is none; the failure says so, followed by what it is.
    """
    if digits and not digits.isdigit():
        raise ProtocolError("E_INVALID", f"{failure} {text_of(digits)}")
    return int(digits or b"0")


def frame(kind: int, data: bytes) -> bytes:
    """Return a frame as it goes out."""
    return _HEADER.pack(len(data) + 4, kind) + data


OK = frame(RESPONSE, b"OK")
HEARTBEAT = frame(RESPONSE, b"_heartbeat_")
CLOSE_WAIT = frame(RESPONSE, b"CLOSE_WAIT")
