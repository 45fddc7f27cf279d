"""Ports for brokers that must keep them over a restart."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

HOST = "127.0.0.1"
FIRST, LAST, BLOCK = 15_000, 32_000, 100
"""Below the ports that systems give to outgoing connections.

One of those may be taken while a broker is down: by any program, or by the very client
that dials the absent broker, which then talks to itself.
"""

_left: list[int] = []


def free_port() -> int:
    """Return a port of loopback that nobody listens at, never the same one twice.

    Others that run at the same time get others, also before anybody listens, and while
    a broker is down: a process has ports by the hundred, each hundred with a lock that
    it holds until it ends.
    """
    while True:
        if not _left:
            _left.extend(_block())
        if _is_free(port := _left.pop()):
            return port


def free_address() -> str:
    """Return `127.0.0.1:port` with a free port."""
    return f"{HOST}:{free_port()}"


def split(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`."""
    host, _, port = address.rpartition(":")
    return host, int(port)


def _block() -> list[int]:
    """Take ports that no other process of these tests has."""
    folder = Path(tempfile.gettempdir()) / f"task-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    blocks = [*range(FIRST, LAST, BLOCK)]
    for first in random.sample(blocks, len(blocks)):
        lock = os.open(folder / str(first), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody else has these
            os.close(lock)
            continue
        return random.sample(range(first, first + BLOCK), BLOCK)  # the lock stays
    raise RuntimeError("all ports are taken")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
