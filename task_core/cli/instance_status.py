"""One status page for several launchers: theirs, gathered when somebody asks."""

import contextlib
import http.client
import logging
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from task_core import __version__
from task_core.launcher.status import TEXT, Page, Pages, StatusServer
from task_core.supervisor.child import Child

PATIENCE = 1.0
"""Seconds in which launchers have to answer: less than a page may take."""
LONGEST_PARENT = 70
"""Bytes of the path of a folder for that of the sockets, which may have about 100."""
WORKING = "working"
"""The state of one that receives."""

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


@attrs.frozen
class Answer:
    """What a launcher has answered, if it has.

    Args:
        body: The page; of one that has not answered, what is wrong with it.
        kind: The content type.
        status: That of HTTP; 0: there is no answer.
    """

    body: bytes
    kind: str = TEXT
    status: int = 0

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return self.status == http.client.OK

    @property
    def text(self) -> str:
        """What people are told."""
        return self.body.decode(errors="replace").strip()

    def facts(self) -> dict[str, Any]:
        """Return the facts that it has; none, where it is no page of facts."""
        found: dict[str, Any] = msgspec.json.decode(self.body) if self.ok else {}
        return found

    def of(self, name: str) -> str:
        """Return what people are told of the launcher with this name."""
        return f"instance {name}{': ' if self.status else ' '}{self.text}"


NOBODY, SILENT = Answer(b"is not there"), Answer(b"does not answer")


class Gathered:
    """What launchers, or one taskmaster, tell, as one.

    Args:
        children: Returns those that there are.
    """

    def __init__(self, children: Callable[[], Sequence[Child]]) -> None:
        self._children = children

    def info(self) -> dict[str, Any]:
        """Return the facts of all, each with its instance and process."""
        answers = self._ask("/info")
        found = {name: answer.facts() for name, answer in answers.items()}
        names = sorted({one["app_name"] for one in found.values() if one})
        masters = [one["taskmaster"] for one in found.values() if "taskmaster" in one]
        return {
            "app_name": ", ".join(names),
            "version": __version__,
            "pid": os.getpid(),
            "state": _state(answers, found),
            "instances": len(found),
            "launchers": [
                launcher
                for name, answer in answers.items()
                for launcher in _launchers(name, answer, found[name])
            ],
            **({"taskmaster": masters[0]} if masters else {}),
        }

    def unready(self) -> str:
        """Return why one of them does not receive; empty when all do."""
        answers = self._ask("/ready").items()
        return next((it.of(name) for name, it in answers if not it.ok), "")

    def other(self, path: str) -> Page | None:
        """Return a page of one launcher: `/2/metrics` is `/metrics` of the second."""
        name, slash, rest = path.removeprefix("/").partition("/")
        for child in self._children() if slash else ():
            if child.name == name:
                answer = _ask(child, f"/{rest}")
                if answer.status == http.client.NOT_FOUND:
                    return None
                if answer.status:
                    return answer.status, answer.kind, answer.body
                return 503, TEXT, f"{answer.of(name)}\n".encode()
        return None

    def _ask(self, path: str) -> dict[str, Answer]:
        """Ask all at once, so that one that hangs harms no other; return by name."""
        children = self._children()
        answers = {child.name: SILENT for child in children}

        def ask(child: Child) -> None:
            answers[child.name] = _ask(child, path)

        threads = [
            threading.Thread(target=ask, args=(child,), name="status", daemon=True)
            for child in children
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return answers.copy()


def _state(
    answers: Mapping[str, Answer], found: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return why one of them does not receive, or that all do."""
    for name, answer in answers.items():
        if not answer.ok:
            return answer.of(name)
        if (state := found[name]["state"]) != WORKING:
            return f"instance {name}: {state}"
    return WORKING


def _launchers(
    name: str, answer: Answer, facts: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the launchers of one process; where nothing is known, what is wrong."""
    if not facts:
        return [{"instance": name, "state": answer.text}]
    many = facts.get("launchers", [facts["launcher"]] if "launcher" in facts else [])
    return [{"instance": name, "pid": facts["pid"], **one} for one in many]


def _ask(child: Child, path: str) -> Answer:
    """Return what a launcher says when it is asked for a page."""
    connection = _Connection(child.status)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return Answer(answer.read(), answer.headers["Content-Type"], answer.status)
    except TimeoutError:
        return SILENT
    except (OSError, http.client.HTTPException):
        return NOBODY
    finally:
        connection.close()


@contextlib.contextmanager
def place_for_pages(address: str | None) -> Iterator[str]:
    """Yield the folder in which launchers have their pages; empty: there are none."""
    if not address:
        yield ""
        return
    usual = tempfile.gettempdir()
    parent = usual if len(os.fsencode(usual)) <= LONGEST_PARENT else "/tmp"  # noqa: S108
    with tempfile.TemporaryDirectory(
        prefix="task-", dir=parent, ignore_cleanup_errors=True
    ) as folder:
        yield folder


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
