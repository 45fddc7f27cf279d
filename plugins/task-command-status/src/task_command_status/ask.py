"""Asks a `--status` for its facts."""

import http.client
import json
import socket
from typing import Any

from task_core.api import UsageError, excerpt

PATIENCE = 5.0
"""Seconds for an answer."""
MOST_BYTES = 1 << 22
"""Bytes of an answer that are read."""
STRANGER = "answers, but is no launcher or taskmaster"
TELL = {"launcher": dict, "launchers": list, "taskmaster": dict}
"""What the facts of ours have one of, and its type."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket file.

    Args:
        path: Of the file.
        patience: Seconds for an answer.
    """

    def __init__(self, path: str, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        """Connect to the file."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def check(address: str) -> str:
    """Return an address, if it is one; as a browser has it will do.

    Raises:
        UsageError: It is not; the text says how they look.
    """
    if address.startswith("unix:") and address != "unix:":
        return address
    address = address.removeprefix("http://").partition("/")[0]
    host, _, port = address.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageError(
            f"{excerpt(address)} is no address: give HOST:PORT, for example"
            " 127.0.0.1:8123, or unix:PATH, as 'task launch --status' was given"
        )
    return address


def facts_of(address: str, patience: float) -> tuple[dict[str, Any], str]:
    """Return the facts, and why there are none."""
    connection = _connection(address, patience)
    try:
        connection.request("GET", "/info")
        answer = connection.getresponse()
        body = answer.read(MOST_BYTES)
        if answer.status != 200:
            return {}, f"answers {answer.status}: {body[:80].decode(errors='replace')}"
        found = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return {}, _told(error)
    finally:
        connection.close()
    return (found, "") if _is_ours(found) else ({}, STRANGER)


def _is_ours(found: Any) -> bool:
    """Whether these are facts of ours: other servers have an `/info` too."""
    return isinstance(found, dict) and any(
        isinstance(found.get(name), kind) for name, kind in TELL.items()
    )


def _told(error: Exception) -> str:
    match error:
        case ConnectionRefusedError():
            return "nobody is there"
        case FileNotFoundError():
            return "there is no such file"
        case TimeoutError():
            return "does not answer"
        case socket.gaierror():
            return "there is no such host"
    return f"answers nonsense: {error}" if str(error) else type(error).__name__


def _connection(address: str, patience: float) -> http.client.HTTPConnection:
    if address.startswith("unix:"):
        return UnixConnection(address.removeprefix("unix:"), patience)
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    return http.client.HTTPConnection(host, int(port), timeout=patience)
