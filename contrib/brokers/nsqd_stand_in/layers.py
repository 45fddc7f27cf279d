"""What may lie between the socket and the protocol: TLS and compression."""

import ssl
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable


class Layer(ABC):
    """Bytes of the outside from and to bytes of the inside."""

    @abstractmethod
    def decode(self, data: bytes) -> bytes:
        """Return what is in bytes from outside."""

    @abstractmethod
    def encode(self, data: bytes) -> bytes:
        """Return what goes outside for bytes from inside."""


class Deflate(Layer):
    """Raw deflate, each write flushed.

    Args:
        level: of compression, from 1 to 9.
    """

    def __init__(self, level: int) -> None:
        self._in = zlib.decompressobj(-zlib.MAX_WBITS)
        self._out = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)

    def decode(self, data: bytes) -> bytes:
        """Decompress."""
        return self._in.decompress(data)

    def encode(self, data: bytes) -> bytes:
        """Compress."""
        return self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH)


class Tls(Layer):
    """TLS, as its server.

    Args:
        context: with the certificate.
        outside: writes bytes of the handshake to the socket.
        shaken: called once, when hands are shaken.
        failed: called with what is wrong, when they cannot be.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        outside: Callable[[bytes], None],
        shaken: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._outside, self._shaken, self._failed = outside, shaken, failed
        self._open = False

    def decode(self, data: bytes) -> bytes:
        """Decrypt, or go on with the handshake."""
        self._in.write(data)
        try:
            if not self._open:
                self._shake()
            return self._read()
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError as error:
            self._failed(str(error.reason))
            return b""

    def _shake(self) -> None:
        try:
            self.tls.do_handshake()
        finally:
            self._outside(self._out.read())
        self._open = True
        self._shaken()

    def _read(self) -> bytes:
        parts = []
        try:
            while part := self.tls.read(256 * 1024):
                parts.append(part)
        except ssl.SSLWantReadError:
            pass
        return b"".join(parts)

    def encode(self, data: bytes) -> bytes:
        """Encrypt."""
        self.tls.write(data)
        return self._out.read()
