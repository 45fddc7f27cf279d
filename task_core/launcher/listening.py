"""Where a status page is served: addresses as people write them, and their sockets."""

import contextlib
import errno
import os
import socket
import stat

from task_core.errors import UsageError, excerpt

MOST_CLIENTS = 64
"""Connections at a time; one more, and the oldest is cut off."""


class Listening:
    """A socket that listens.

    Args:
        address: `HOST:PORT`, or `unix:PATH`.

    Raises:
        UsageError: It is none, or cannot be had.
    """

    def __init__(self, address: str) -> None:
        self.socket = _listen(address)
        self.address = _shown(self.socket)
        """Where it listens, as clients write it."""
        self._path = self._file = ""
        if self.socket.family == socket.AF_UNIX:
            self._path = self.socket.getsockname()
            self._file = _file_at(self._path)

    def remove(self) -> None:
        """Remove the socket file, unless another one has its place by now.

        While the socket is open: until then no other file has the number of ours.
        """
        with contextlib.suppress(OSError):
            if self._path and _file_at(self._path) == self._file:
                os.unlink(self._path)


def split_address(address: str) -> tuple[str, int]:
    """Return host and port.

    Raises:
        UsageError: The text has another shape.
    """
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageError(
            f"--status: {excerpt(address)} is no address: give HOST:PORT, for example"
            " 127.0.0.1:8123, or unix:PATH"
        )
    return host, int(port)


def _listen(address: str) -> socket.socket:
    """Return a socket that listens at an address.

    Raises:
        UsageError: It is none, or cannot be had.
    """
    try:
        # Without a path it would get a name from Linux, which no client can write.
        if address.startswith("unix:") and address != "unix:":
            return _listen_at_path(address.removeprefix("unix:"))
        host, port = split_address(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=MOST_CLIENTS)
    except OSError as error:
        number = error.errno or 0
        text = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise UsageError(f"--status: cannot listen at {address}: {text}") from None


def _listen_at_path(path: str) -> socket.socket:
    """Return a socket at a path; one that a dead process has left there goes.

    Dead is only what refuses us: others are in use, or not for us to know.
    """
    with socket.socket(socket.AF_UNIX) as other:
        other.setblocking(False)  # one that hangs accepts nobody, and is there
        if other.connect_ex(path) == errno.ECONNREFUSED:
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISSOCK(os.stat(path).st_mode):
                    os.unlink(path)
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(path)
        made.listen(MOST_CLIENTS)
    except OSError:
        made.close()
        raise
    return made


def _file_at(path: str) -> str:
    """Return what tells a file from others.

    Raises:
        OSError: There is none.
    """
    found = os.lstat(path)
    return f"{found.st_dev}:{found.st_ino}"


def _shown(listening: socket.socket) -> str:
    name = listening.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{host}:{name[1]}"
