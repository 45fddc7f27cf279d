"""Frames, sizes, names, and the errors that nsqd answers with."""

import json
import re
import struct
from asyncio import StreamReader
from collections.abc import Callable

RESPONSE, ERROR, MESSAGE = 0, 1, 2
SIZE = struct.Struct(">i")
_CHUNK = 256 * 1024
_LONGEST_LINE = 16 * 1024
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


class Input:
    """What a client sends, command by command.

    Args:
        stream: of its bytes.
        idle: called when all that has come is used, before more is waited for.
    """

    def __init__(self, stream: StreamReader, idle: Callable[[], None]) -> None:
        self._stream, self._idle = stream, idle
        self._data, self._at = b"", 0

    async def _more(self) -> None:
        self._idle()
        data = await self._stream.read(_CHUNK)
        if not data:
            raise EOFError
        self._data, self._at = self._data[self._at :] + data, 0

    async def line(self) -> bytes:
        """Read up to the end of a line, which is left out.

        Raises:
            EOFError: no more comes, or too much without an end.
        """
        while (end := self._data.find(b"\n", self._at)) < 0:
            if len(self._data) - self._at > _LONGEST_LINE:
                raise EOFError
            await self._more()
        start, self._at = self._at, end + 1
        return self._data[start:end]

    async def exactly(self, size: int) -> bytes:
        """Read so many bytes.

        Raises:
            EOFError: they do not come.
        """
        while len(self._data) - self._at < size:
            await self._more()
        start = self._at
        self._at += size
        return self._data[start : self._at]

    async def read(self, size: int, code: str, text: str) -> bytes:
        """Read so many bytes; code and text are for an end before them."""
        try:
            return await self.exactly(size)
        except EOFError:
            raise ProtocolError(code, text) from None

    async def size(self, code: str, text: str) -> int:
        """Read a size: four bytes, signed."""
        return int(SIZE.unpack(await self.read(4, code, text))[0])

    async def body(self, code: str, what: str, most: int) -> bytes:
        """Read a size and so many bytes, at most so many.

        Args:
            code: of the errors.
            what: whose body it is, in errors.
            most: bytes that are allowed.
        """
        size = await self.size(code, f"{what} failed to read body size")
        if size > most:
            raise ProtocolError(code, f"{what} body too big {size} > {most}")
        if size <= 0:
            raise ProtocolError(code, f"{what} invalid body size {size}")
        return await self.read(size, code, f"{what} failed to read body")


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
