"""Asks a `--status` for its facts."""

import http.client
import json
import socket
import time
from collections.abc import Mapping
from math import inf
from typing import Any

from task_command_status.table import rows, running
from task_core.api import UsageError, excerpt

PATIENCE = 5.0
"""Seconds for an answer."""
MOST_BYTES = 1 << 22
"""Bytes of an answer that are read."""
STRANGER = "answers, but is no launcher or taskmaster"
TELL = {"launcher": dict, "launchers": list, "taskmaster": dict}
"""What the facts of ours have one of, and its type."""


class ImpatientSocket(socket.socket):
    """A socket that is read until a moment, however few bytes come at a time."""

    end = inf
    """That moment, on the monotonic clock."""

    def recv_into(self, *args: Any) -> int:
        """Read something.

        Raises:
            TimeoutError: The time is over.
        """
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)
        return super().recv_into(*args)


class Connection(http.client.HTTPConnection):
    """HTTP that has an end.

    Args:
        address: `HOST:PORT`, or `unix:PATH`.
        patience: Seconds until the answer must be there.
    """

    def __init__(self, address: str, patience: float) -> None:
        self._path = address.removeprefix("unix:") if address[:5] == "unix:" else ""
        host, _, port = ("localhost:80" if self._path else address).rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        super().__init__(host, int(port), timeout=patience)
        self._patience = patience

    def connect(self) -> None:
        """Connect; from now on, time passes."""
        end = time.monotonic() + self._patience
        if self._path:
            made = ImpatientSocket(socket.AF_UNIX)
        else:
            found = socket.create_connection((self.host, self.port), self._patience)
            made = ImpatientSocket(fileno=found.detach())
        self.sock, made.end = made, end
        made.settimeout(self._patience)
        if self._path:
            made.connect(self._path)


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
    connection = Connection(address, patience)
    try:
        connection.request("GET", "/info")
        answer = connection.getresponse()
        body = answer.read(MOST_BYTES)
        if answer.status != 200:
            return {}, f"answers {answer.status}: {body[:80].decode(errors='replace')}"
        found = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        return {}, _told(error)
    finally:
        connection.close()
    return (found, "") if _is_ours(found) else ({}, STRANGER)


def _is_ours(found: Any) -> bool:
    """Whether these are facts of ours: other servers have an `/info` too."""
    return (
        isinstance(found, dict)
        and any(isinstance(found.get(name), kind) for name, kind in TELL.items())
        and _can_be_shown(found)
    )


def _can_be_shown(facts: Mapping[str, Any]) -> bool:
    """Whether they have the shape of ours, in all that is shown of them."""
    try:
        running(facts)
        return any(rows("", facts, ""))
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


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
        case OSError() if not isinstance(error, http.client.HTTPException):
            return f"cannot be asked: {error.strerror or error}"
    return f"answers nonsense: {error}" if str(error) else type(error).__name__
