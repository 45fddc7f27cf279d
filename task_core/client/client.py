"""A client: send, call and read, from any thread of any program."""

import weakref
from collections.abc import Callable, Iterable
from typing import Any, Self

from task_core.api.bus import Bus
from task_core.api.capabilities import Capabilities
from task_core.client.call import Call
from task_core.client.parts import Parts
from task_core.client.reading import Reading
from task_core.client.sent import (
    TIMEOUT,
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
from task_core.errors import UsageError
from task_core.task import Task


class Client:
    """Made by `task_core.connect`. Safe to share between threads, and after a fork.

    It connects when it is first used, and again when the connection is lost. In a
    forked child it begins anew. At the end of the program, and when nobody has it any
    more, it closes by itself.

    Args:
        open_bus: Makes a bus; called by each thread that owns one.
        done_topic: Where `call` looks for done tasks.
        name: Of the bus, for messages.
        find_claims: Finds who remembers what was sent.
    """

    capabilities = Capabilities()  # of the manifest of the bus: `connect` sets it

    def __init__(
        self,
        open_bus: Callable[[], Bus],
        done_topic: str,
        name: str,
        find_claims: Callable[[], Claims] = Claims,
    ) -> None:
        self.name = name
        parts = self._parts = Parts(open_bus, done_topic, name, find_claims)
        self._confirm = parts.confirm
        weakref.finalize(self, parts.leave).atexit = False  # they see to that

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
        timeout: Span = TIMEOUT,
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
            self._parts.outbox.send([message], connection, unique)
        elif unique is None:
            self._confirm([message], timeout)
        else:
            self._parts.confirm_once([new], [message], unique, timeout)
        return new

    def send_many(
        self,
        tasks: Iterable[Task],
        *,
        topic: str | None = None,
        unique: Span | None = None,
        timeout: Span = TIMEOUT,
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
                self._parts.outbox.send(messages, connection, unique)
            elif unique is None:
                self._confirm(messages, timeout)
            else:
                self._parts.confirm_once(batch, messages, unique, timeout)

        return send_batches(tasks, confirm)

    def call(
        self,
        task: Task | str,
        info: str = "",
        *,
        topic: str | None = None,
        timeout: Span = TIMEOUT,
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
            BusError: As for `send`; or done tasks can be read no longer.
        """
        call = self.prepare_call(task, info, topic=topic, timeout=timeout, **fields)
        try:
            return call.begin().result(call.left())
        except TimeoutError:
            raise call.late() from None
        finally:
            call.end()

    def prepare_call(
        self,
        task: Task | str,
        info: str = "",
        *,
        topic: str | None = None,
        timeout: Span = TIMEOUT,
        **fields: Any,
    ) -> Call:
        """Return a call that is not sent yet, for who waits without a thread.

        Args:
            task, info, topic, timeout, fields: As for `call`.

        Raises:
            UsageError: The task has no id.
        """
        patience = seconds_of("timeout", timeout)
        new = as_task(task, info, fields, "call")
        if not new.id:
            raise UsageError("a task without an id cannot be waited for")
        return Call(self._parts, new, message_of(new, topic), patience)

    def read(self, topic: str, *, channel: str, timeout: Span | None = None) -> Reading:
        """Iterate over the tasks of a topic; each is settled when its body is left.

        A body that breaks or raises gives its task back. The iterator belongs to the
        thread that uses it, and has a connection of its own.

        Args:
            topic: What to read.
            channel: Who reads: readers on one channel share the tasks.
            timeout: How long it waits for a task, and for a broker that is away, as
                `"5s"` or in seconds; None: on, but 30 seconds for the broker at first.

        Raises:
            BusConnectionError: The broker could not be reached in time.
            BusError: It refuses.
        """
        self.check_open()
        return self._parts.read(topic, channel, timeout)

    def close(self) -> None:
        """Close the connections; whoever reads gets no more. May be repeated."""
        self._parts.close()

    def check_open(self) -> None:
        """Raise `BusClosedError` after `close`."""
        self._parts.check_open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
