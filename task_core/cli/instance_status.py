"""One status page for several launchers: theirs, gathered when somebody asks."""

import contextlib
import http.client
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from task_core import __version__
from task_core.launcher.status import Pages, StatusServer
from task_core.supervisor.child import Child

PATIENCE = 1.0
"""Seconds in which a launcher has to answer."""

log = logging.getLogger("task")


class _Connection(http.client.HTTPConnection):
    """Speaks HTTP over a socket of the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self._path)


class Gathered:
    """What launchers tell, as one.

    Args:
        children: Returns those that there are.
    """

    def __init__(self, children: Callable[[], Sequence[Child]]) -> None:
        self._children = children

    def info(self) -> dict[str, Any]:
        """Return the facts of all launchers, each with its instance and process."""
        found = {child.name: self._facts(child) for child in self._children()}
        names = sorted({one["app_name"] for one in found.values() if one})
        return {
            "app_name": ", ".join(names),
            "version": __version__,
            "pid": os.getpid(),
            "state": self.unready() or "working",
            "instances": len(found),
            "launchers": [
                {"instance": name, "pid": one["pid"], **launcher}
                for name, one in found.items()
                for launcher in one.get("launchers", [one.get("launcher")])
                if launcher
            ],
        }

    def unready(self) -> str:
        """Return why one of them does not receive; empty when all do."""
        for child in self._children():
            answer = _ask(child, "/ready")
            if answer is None:
                return f"instance {child.name} is not there"
            if answer[0] != http.client.OK:
                return f"instance {child.name}: {answer[2].decode().strip()}"
        return ""

    def other(self, path: str) -> tuple[str, bytes] | None:
        """Return a page of one launcher: `/2/metrics` is `/metrics` of the second."""
        name, slash, rest = path.removeprefix("/").partition("/")
        for child in self._children():
            if slash and child.name == name and (answer := _ask(child, f"/{rest}")):
                return answer[1:] if answer[0] == http.client.OK else None
        return None

    def _facts(self, child: Child) -> dict[str, Any]:
        answer = _ask(child, "/info")
        return msgspec.json.decode(answer[2]) if answer else {}


def _ask(child: Child, path: str) -> tuple[int, str, bytes] | None:
    """Return status, content type and body of a launcher's page; None: no answer."""
    connection = _Connection(child.status)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@contextlib.contextmanager
def place_for_pages(address: str | None) -> Iterator[str]:
    """Yield the folder in which launchers have their pages; empty: there are none."""
    if not address:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="task-", ignore_cleanup_errors=True) as it:
        yield it


@contextlib.contextmanager
def gathered_status(
    address: str | None, children: Callable[[], Sequence[Child]]
) -> Iterator[None]:
    """Serve one page for all.

    Raises:
        UsageError: The address cannot be had.
    """
    if not address:
        yield
        return
    them = Gathered(children)
    more = ", and what each instance has: /1/metrics, /2/metrics"
    pages = Pages(info=them.info, unready=them.unready, other=them.other, more=more)
    server = StatusServer(address, pages)
    log.info("status: %s", server.address)
    try:
        yield
    finally:
        server.close()
