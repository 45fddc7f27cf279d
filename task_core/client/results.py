"""Waiting for done tasks: one reader for all calls of a client."""

import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from copy import copy
from functools import partial
from time import monotonic

from task_core.api.bus import Bus
from task_core.api.capabilities import require
from task_core.api.consumer import Consumer
from task_core.client.outages import again, attach
from task_core.client.own_error import own_error
from task_core.errors import (
    BusClosedError,
    BusConnectionError,
    BusError,
    DecodeError,
    LeaseLostError,
)
from task_core.task import Task
from task_core.wire import decode_task

AT_ONCE = 100
"""Done tasks that are taken in one call of the bus, at most."""
IDLE = 30.0
"""Seconds without a waiting call after which the reader and its channel go, at the end
of a receive, which waits as long."""


class Results:
    """Reads the done topic on a temporary channel, and hands tasks to who waits.

    The channel is there before anything is sent: a done task cannot be missed. It is
    made for the first call, and goes when nobody has called for a while.

    Args:
        open_bus: Makes the bus of the reader.
        topic: Where done tasks go.
    """

    def __init__(self, open_bus: Callable[[], Bus], topic: str) -> None:
        self._open_bus = open_bus
        self._topic = topic
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Future[Task]]] = {}
        self._quiet_since = monotonic()  # as long as nobody waits
        self._reader: _Reader | None = None
        self._closed = False

    def expect(self, id: str, timeout: float) -> "Future[Task]":
        """Wait for a done task from now on (any thread).

        Args:
            id: That of the task.
            timeout: Seconds that reading may take to begin.

        Raises:
            BusConnectionError: The broker cannot be reached in time.
            BusError: The bus has no channels, or refuses.
        """
        future: Future[Task] = Future()
        with self._lock:
            if self._closed:
                raise _closed()
            self._waiting.setdefault(id, []).append(future)
            if self._reader is None:
                self._reader = _Reader(self, self._open_bus, self._topic)
            reader = self._reader
        try:
            reader.await_start(timeout)
        except BaseException:
            self.forget(id, future)
            raise
        return future

    def forget(self, id: str, future: "Future[Task]") -> None:
        """Wait no more for a task; may be repeated."""
        with self._lock:
            left = [one for one in self._waiting.pop(id, ()) if one is not future]
            if left:
                self._waiting[id] = left
            self._quiet_since = monotonic()

    def stop(self) -> list[threading.Thread]:
        """End the reader; return its thread, if there is one."""
        with self._lock:
            self._closed = True
            reader, self._reader = self._reader, None
            waiting = self._take_all()
        _fail(waiting, _closed())
        return [reader.stop()] if reader is not None else []

    def deliver(self, task: Task) -> None:
        """Hand a task over to all who wait for it (the reader)."""
        with self._lock:
            futures = self._waiting.pop(task.id, ())
            if futures:
                self._quiet_since = monotonic()
        for future in futures:
            if future.set_running_or_notify_cancel():
                future.set_result(copy(task))  # each may change its own

    def may_end(self, reader: "_Reader", idle: float) -> bool:
        """Whether nobody has waited for so long; then the reader is forgotten.

        Who comes after that makes another one.
        """
        with self._lock:
            if self._waiting or monotonic() - self._quiet_since < idle:
                return False
            if self._reader is reader:
                self._reader = None
            return True

    def fail(self, reader: "_Reader", error: BaseException) -> None:
        """Tell all who wait that nobody reads any more (the reader)."""
        with self._lock:
            if self._reader is not reader:  # it was closed; nobody waits for it
                return
            self._reader = None
            waiting = self._take_all()
        _fail(waiting, error)

    def _take_all(self) -> "list[Future[Task]]":
        waiting, self._waiting = self._waiting, {}
        return [future for futures in waiting.values() for future in futures]


def _fail(futures: "Iterable[Future[Task]]", error: BaseException) -> None:
    for future in futures:
        if future.set_running_or_notify_cancel():
            future.set_exception(own_error(error))


def _closed() -> BusClosedError:
    return BusClosedError("this client is closed")


class _Reader:
    """A thread with a bus of its own, which reads the done topic."""

    def __init__(
        self, results: Results, open_bus: Callable[[], Bus], topic: str
    ) -> None:
        self._results = results
        self._open_bus = open_bus
        self._topic = topic
        self._channel = f"call-{uuid.uuid4().hex[:12]}"
        self._stop = threading.Event()
        self._started: Future[None] = Future()
        self._trouble = ""  # why it has not begun yet
        self._consumer: Consumer | None = None
        self._thread = threading.Thread(
            target=self._serve, name="task-results", daemon=True
        )
        self._thread.start()

    def await_start(self, timeout: float) -> None:
        """Wait until it reads; raise what keeps it from that."""
        try:
            error = self._started.exception(timeout)
        except TimeoutError:
            late = f"the bus did not let us read '{self._topic}' in {timeout:.1f}s"
            raise BusConnectionError(self._trouble or late) from None
        if error is not None:
            raise own_error(error)

    def stop(self) -> threading.Thread:
        """End it; return its thread."""
        self._stop.set()
        if (consumer := self._consumer) is not None:
            consumer.wake()
        return self._thread

    def _serve(self) -> None:
        bus: Bus | None = None
        try:
            bus, self._consumer = again(self._attach, self._await_next_try)
            self._started.set_result(None)
            self._read(self._consumer)
        except BaseException as error:  # noqa: BLE001  raised where somebody waits
            self._results.fail(self, error)
            if not self._started.done():
                self._started.set_exception(error)
        finally:
            if bus is not None:
                with suppress(BusError):  # it goes as well when the broker is away
                    bus.close()

    def _attach(self) -> tuple[Bus, Consumer]:
        try:
            return attach(self._open_bus, self._subscribe)
        except BusConnectionError as error:
            self._trouble = str(error)
            raise

    def _subscribe(self, bus: Bus) -> Consumer:
        require(bus.capabilities, "channels", bus.name, "call")
        return bus.subscribe(self._topic, self._channel, temporary=True)

    def _await_next_try(self, pause: float) -> bool:
        if self._stop.wait(pause):
            raise _closed()
        return not self._results.may_end(self, 0)

    def _await_return(self, pause: float) -> bool:
        return not (self._stop.wait(pause) or self._results.may_end(self, IDLE))

    def _read(self, consumer: Consumer) -> None:
        limit = 1
        while not (self._stop.is_set() or self._results.may_end(self, IDLE)):
            receive = partial(consumer.receive, limit, IDLE)
            deliveries = again(receive, self._await_return)
            # Brokers that push hold back what is less than was asked for.
            full = len(deliveries) == limit
            limit = min(2 * limit, AT_ONCE) if full else 1
            for one in deliveries:
                with suppress(DecodeError):  # somebody else's
                    self._results.deliver(decode_task(one.body))
            if deliveries:
                # What is not acknowledged comes again, and then nobody waits for it.
                with suppress(BusConnectionError, LeaseLostError):
                    consumer.ack(deliveries)
            if consumer.exhausted:
                raise BusClosedError(f"topic '{self._topic}' has come to its end")
