"""What causes tasks of the taskmasters files, http and retry, while they are killed.

See `brokers.instances`; cron has its own beside its tests.
"""

import contextlib
import http.client
import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path

from task_store.store import LEASE

from brokers.ports import HOST, free_port
from task_core.api import (
    Bus,
    BusConnectionError,
    Message,
    SendError,
    Task,
    encode_task,
)

AT_A_TIME = 5
"""Causes that come together."""


class Files:
    """Files that are written; each is one task.

    Args:
        folder: For rules and files.
        store: What the instances share.
    """

    taskmaster, topic, at_once, lease = "files", "load", 100, LEASE

    def __init__(self, folder: Path, store: str) -> None:
        self._store = store
        self._inbox = folder / "in"
        self._inbox.mkdir()
        self._written: set[str] = set()
        self._numbers = itertools.count()
        (folder / "rules.toml").write_text(
            f'[[rule]]\nfiles = "{self._inbox}/**/*.csv"\ntype = "load"\n'
            'template = "{file}"\nexisting = "send"\nquiet = "200ms"\nevery = "1s"\n'
        )

    def flags(self, number: int) -> Sequence[str]:
        """Return the same for both."""
        return "--taskmaster-rules", "rules.toml", "--taskmaster-store", self._store

    def feed(self) -> None:
        """Write files, in folders that are new now and then."""
        for number in itertools.islice(self._numbers, AT_A_TIME):
            path = self._inbox / str(number // 20) / f"{number}.csv"
            path.parent.mkdir(exist_ok=True)
            path.write_text("x")
            self._written.add(str(path))

    def owed(self) -> set[str]:
        """Return each of them."""
        return self._written


class Http:
    """Requests with a key, repeated until one instance has answered 202.

    Args:
        store: What the instances share.
        seed: Of whom is asked.
    """

    taskmaster, topic, at_once, lease = "http", "load", 1000, LEASE

    def __init__(self, store: str, seed: int) -> None:
        self._store = store
        self._ports = [free_port(), free_port()]
        self._choose = random.Random(seed)
        self._numbers = itertools.count()
        self._open: list[str] = []
        self._done: set[str] = set()

    def flags(self, number: int) -> Sequence[str]:
        """Return where each of them listens."""
        address = f"{HOST}:{self._ports[number]}"
        return "--taskmaster-address", address, "--taskmaster-store", self._store

    def feed(self) -> None:
        """Ask for some more, and again for those that nobody has confirmed."""
        self._open += map(str, itertools.islice(self._numbers, AT_A_TIME))
        self._ask()

    def owed(self) -> set[str]:
        """Return those that were confirmed: in the end, all."""
        self._ask()
        return self._done | set(self._open)

    def _ask(self) -> None:
        asked, self._open = self._open, []
        for name in asked:
            status = 0
            with contextlib.suppress(OSError, http.client.HTTPException):
                status = self._post(name)
            # 503 and 409 ask for the same again; who was killed says nothing.
            assert status in (0, 202, 409, 503), status
            if status == 202:
                self._done.add(name)
            else:
                self._open.append(name)

    def _post(self, name: str) -> int:
        port = self._choose.choice(self._ports)
        connection = http.client.HTTPConnection(HOST, port, timeout=10)
        body = json.dumps({"type": self.topic, "info": name})
        headers = {"Content-Type": "application/json", "Idempotency-Key": name}
        try:
            connection.request("POST", "/tasks", body, headers)
            return connection.getresponse().status
        finally:
            connection.close()


class Retry:
    """Tasks that have failed; some of their done tasks come twice.

    Args:
        folder: For rules.
        bus: Where the done tasks come from.
        store: What the instances share.
    """

    taskmaster, topic, at_once, lease = "retry", "load", 500, 2.0

    def __init__(self, folder: Path, bus: Bus, store: str) -> None:
        self._producer = bus.producer()
        self._store = store
        self._numbers = itertools.count()
        self._open: list[Message] = []
        self._failed: set[str] = set()
        (folder / "rules.toml").write_text(
            'retried_topic = "-"\n[[rule]]\ntype = "load"\nretry = 3\nwait = "200ms"\n'
        )

    def flags(self, number: int) -> Sequence[str]:
        """Return the same for both."""
        flags = ("--taskmaster-rules", "rules.toml", "--taskmaster-takeover", "2s")
        return *flags, "--taskmaster-store", self._store, "--lease", "6s"

    def feed(self) -> None:
        """Send done tasks."""
        for number in itertools.islice(self._numbers, AT_A_TIME):
            task = Task.new("load", str(number))
            task.result, task.msg = "error", "timeout"
            task.started = task.ended = task.created
            message = Message("done", encode_task(task))
            self._open += [message, message] if number % 3 == 0 else [message]
            self._failed.add(str(number))
        self._send()

    def owed(self) -> set[str]:
        """Return all that have failed."""
        self._send()
        return self._failed

    def _send(self) -> None:
        """Send what is not confirmed; what comes twice is retried once."""
        with contextlib.suppress(BusConnectionError, SendError):
            if self._open:
                self._producer.send(self._open)
                self._open = []
