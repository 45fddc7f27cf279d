"""A client: send, call and read, from any thread of any program."""

import atexit
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Any, Self

from task_core.api.bus import Bus
from task_core.api.message import Message
from task_core.client.bus_thread import BusThread
from task_core.client.outbox import Outbox
from task_core.client.reading import Reading
from task_core.client.results import Results
from task_core.client.sent import (
    MOMENT,
    Sent,
    Span,
    add_extras,
    as_task,
    message_of,
    messages_of,
    seconds_of,
    send_batches,
)
from task_core.discovery.claims import Claims
from task_core.errors import (
    BusClosedError,
    FrameworkError,
    UsageError,
)
from task_core.task import Task

LAST_WORDS = 2.0
"""Seconds that closing at the end of the program may take."""


class Client:
    """Made by `task_core.connect`. Safe to share between threads, and after a fork.

    It connects when it is first used, and again when the connection is lost. In a
    forked child it begins anew. At the end of the program it closes by itself.

    Args:
        open_bus: Makes a bus; called by each thread that owns one.
        done_topic: Where `call` looks for done tasks.
        name: Of the bus, for messages.
        find_claims: Finds who remembers what was sent.
    """

    def __init__(
        self,
        open_bus: Callable[[], Bus],
        done_topic: str,
        name: str,
        find_claims: Callable[[], Claims] = Claims,
    ) -> None:
        self.name = name
        self._open_bus = open_bus
        self._done_topic = done_topic
        self._lock = threading.Lock()
        self._closed = False
        self._abandoned: list[object] = []  # of a parent process: never to be used
        self._pid = os.getpid()
        self._sender: BusThread | None = None
        self._results: Results | None = None
        self._outbox = Outbox(open_bus)
        self._find_claims = find_claims
        self._claims: Claims | None = None
        _clients.add(self)

    def send(
        self,
        task: Task | str,
        info: str = "",
        *,
        topic: str | None = None,
        delay: Span = 0.0,
        priority: int = 0,
        key: str | None = None,
        unique: Span | None = None,
        timeout: Span = 30.0,
        connection: Any = None,
        **fields: Any,
    ) -> Task:
        """Send a task; it is confirmed when this returns it.

        Args:
            task: A task, or the type of a new one.
            info, fields: Of the new task: `meta`, `job`, `id`.
            topic: Where to; the task's type when not given.
            delay: Time before which it does not arrive, as `"5s"` or in seconds.
            priority, key: As on `Message`.
            unique: For how long its like is refused, as `"1h"` or in seconds; needs a
                hook plugin that remembers what was sent.
            timeout: Until the broker counts as away, as `"5s"` or in seconds.
            connection: Of the caller's, to the database of the bus: the task is sent
                when its transaction is committed, or never (capability `outbox`).

        Raises:
            BusConnectionError: The broker could not be reached in time.
            DuplicateError: Its like was sent before.
            TypeError, DecodeError: Something of it has the wrong type.
            PayloadError: The bus cannot carry it.
            BusError: It was not confirmed for another reason.
            UnsupportedCapabilityError: The bus has no delay or priority.
        """
        new = as_task(task, info, fields, "send")
        message = message_of(new, topic)
        if delay != 0:
            message.delay = seconds_of("delay", delay)
        if priority or key is not None:
            add_extras(message, priority, key)
        if connection is not None:
            self._outbox.send([message], connection, unique)
        elif unique is None:
            self._confirm([message], timeout)
        else:
            self._confirm_once([new], [message], unique, timeout)
        return new

    def send_many(
        self,
        tasks: Iterable[Task],
        *,
        topic: str | None = None,
        unique: Span | None = None,
        timeout: Span = 30.0,
        connection: Any = None,
    ) -> Sent:
        """Send many tasks, a batch at a time.

        Those that the bus can never carry, or that `unique` refuses, are left out; when
        the broker is away or confirms only a part, no more are taken. What is no task
        is a `UsageError`.

        Args:
            tasks: What to send; taken as it is sent.
            topic: Where to; each task's type when not given.
            unique, connection: As for `send`.
            timeout: For each batch, as `"5s"` or in seconds.
        """

        def confirm(batch: list[Task]) -> None:
            messages = messages_of(batch, topic)
            if connection is not None:
                self._outbox.send(messages, connection, unique)
            elif unique is None:
                self._confirm(messages, timeout)
            else:
                self._confirm_once(batch, messages, unique, timeout)

        return send_batches(tasks, confirm)

    def call(
        self,
        task: Task | str,
        info: str = "",
        *,
        topic: str | None = None,
        timeout: Span = 30.0,
        **fields: Any,
    ) -> Task:
        """Send a task, and wait for its done task.

        Args:
            task, info, topic, fields: As for `send`. The task needs an `id`.
            timeout: For everything together, as `"5s"` or in seconds.

        Returns:
            The done task; look at its `result` and `msg`.

        Raises:
            TimeoutError: It was sent, and is not done in time.
            UnsupportedCapabilityError: The bus has no channels; nothing was sent.
            BusError: As for `send`.
        """
        patience = seconds_of("timeout", timeout)
        new = as_task(task, info, fields, "call")
        if not new.id:
            raise UsageError("a task without an id cannot be waited for")
        message = message_of(new, topic)
        end = monotonic() + patience
        results = self._reader()
        future = results.expect(new.id, patience)
        try:
            self._confirm([message], max(0.0, end - monotonic()))
            return future.result(max(0.0, end - monotonic()))
        except TimeoutError:
            raise TimeoutError(
                f"task '{new.type}' of id {new.id} is not done after {patience:g}s:"
                f" does a worker read the topic '{topic or new.type}'?"
            ) from None
        finally:
            results.forget(new.id)

    def read(self, topic: str, *, channel: str, timeout: Span | None = None) -> Reading:
        """Iterate over the tasks of a topic; each is settled when its body is left.

        A body that breaks or raises gives its task back. The iterator belongs to the
        thread that uses it, and has a connection of its own.

        Args:
            topic: What to read.
            channel: Who reads: readers on one channel share the tasks.
            timeout: How long it waits for a task, as `"5s"` or in seconds; None: on.
        """
        self.check_open()
        return Reading(self._open_bus, topic, channel, timeout)

    def close(self) -> None:
        """Close the connections; may be repeated."""
        with self._lock:
            self._closed = True
            thread, results = self._sender, self._results
            self._sender = self._results = None
        if os.getpid() == self._pid:
            self._outbox.close()
            if thread is not None:
                thread.close(LAST_WORDS)
            if results is not None:
                results.close(LAST_WORDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _after_fork(self) -> None:
        """Leave the parent's connections alone: they are its own (in the child)."""
        self._abandoned += [self._sender, self._results, self._outbox]
        self._outbox = Outbox(self._open_bus)
        self._lock = threading.Lock()  # whoever held it is not here
        self._pid = os.getpid()
        self._sender = self._results = None

    def _confirm(self, messages: list[Message], timeout: Span) -> None:
        """Send, and wait until all is confirmed."""
        patience = seconds_of("timeout", timeout)
        sender = self._sender or self._thread()
        request = sender.submit(messages, patience)
        if not request.wait():
            raise request.abandon(
                f"bus '{self.name}' has not confirmed all of it in {patience:g}s"
            )

    def _confirm_once(
        self, tasks: list[Task], messages: list[Message], unique: Span, timeout: Span
    ) -> None:
        """The same, of tasks whose like is not sent again for a time."""
        seconds = seconds_of("unique", unique, least=MOMENT)
        with self._lock:
            claims = self._claims = self._claims or self._find_claims()
        topics = [message.topic for message in messages]
        with claims.taken(tasks, topics, seconds):
            self._confirm(messages, timeout)

    def _thread(self) -> BusThread:
        with self._lock:
            self.check_open()
            if self._sender is None:
                self._sender = BusThread(self._open_bus, f"task-{self.name}")
            return self._sender

    def _reader(self) -> Results:
        with self._lock:
            self.check_open()
            if self._results is None:
                self._results = Results(self._open_bus, self._done_topic)
            return self._results

    def check_open(self) -> None:
        """Raise `BusClosedError` after `close`."""
        if self._closed:
            raise BusClosedError(f"the client of bus '{self.name}' is closed")


_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _close_all() -> None:
    for client in list(_clients):
        with suppress(FrameworkError):
            client.close()


def _begin_anew() -> None:
    for client in list(_clients):
        client._after_fork()  # noqa: SLF001  of this module


atexit.register(_close_all)
os.register_at_fork(after_in_child=_begin_anew)
