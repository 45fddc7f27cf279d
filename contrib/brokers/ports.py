"""Ports for brokers that must keep them over a restart."""

import random
import socket

HOST = "127.0.0.1"
FIRST, LAST = 15_000, 32_000
"""Below the ports that systems give to outgoing connections.

One of those may be taken while a broker is down: by any program, or by the very client
that dials the absent broker, which then talks to itself.
"""

_given: set[int] = set()


def free_port() -> int:
    """Return a port of loopback that nobody listens at, never the same one twice."""
    while True:
        port = random.randint(FIRST, LAST)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def free_address() -> str:
    """Return `127.0.0.1:port` with a free port."""
    return f"{HOST}:{free_port()}"


def split(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`."""
    host, _, port = address.rpartition(":")
    return host, int(port)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
