"""Frames, sizes, names, and the errors that nsqd answers with."""

import json
import re
import struct
from asyncio import IncompleteReadError, StreamReader

RESPONSE, ERROR, MESSAGE = 0, 1, 2
SIZE = struct.Struct(">i")
_HEADER = struct.Struct(">ii")
_NAME = re.compile(rb"[.a-zA-Z0-9_-]+(#ephemeral)?")


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
    def data(self) -> bytes:
        """The error as bytes; those of a command that are no text survive."""
        return str(self).encode("utf-8", "surrogateescape")


async def read(reader: StreamReader, size: int, code: str, text: str) -> bytes:
    """Read that many bytes; code and text are for an end before them."""
    try:
        return await reader.readexactly(size)
    except IncompleteReadError:
        raise ProtocolError(code, text) from None


async def read_size(reader: StreamReader, code: str, text: str) -> int:
    """Read a size: four bytes, signed."""
    return int(SIZE.unpack(await read(reader, 4, code, text))[0])


async def read_body(reader: StreamReader, code: str, what: str, most: int) -> bytes:
    """Read a size and so many bytes, at most so many.

    Args:
        reader: of the connection.
        code: of the errors.
        what: whose body it is, in errors.
        most: bytes that are allowed.
    """
    size = await read_size(reader, code, f"{what} failed to read body size")
    if size > most:
        raise ProtocolError(code, f"{what} body too big {size} > {most}")
    if size <= 0:
        raise ProtocolError(code, f"{what} invalid body size {size}")
    return await read(reader, size, code, f"{what} failed to read body")


def frame(kind: int, data: bytes) -> bytes:
    """Return a frame as it goes out."""
    return _HEADER.pack(len(data) + 4, kind) + data


def told(answer: object) -> bytes:
    """Return the frame of an answer in JSON."""
    return frame(RESPONSE, json.dumps(answer, separators=(",", ":")).encode())


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


def is_name(name: bytes) -> bool:
    """Whether a topic or channel may be called so."""
    return len(name) <= 64 and _NAME.fullmatch(name) is not None


def is_ephemeral(name: str) -> bool:
    """Whether it goes when its last user goes."""
    return name.endswith("#ephemeral")


OK = frame(RESPONSE, b"OK")
HEARTBEAT = frame(RESPONSE, b"_heartbeat_")
CLOSE_WAIT = frame(RESPONSE, b"CLOSE_WAIT")
