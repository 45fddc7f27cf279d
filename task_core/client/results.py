"""Waiting for done tasks: one reader for all calls of a client."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future

from task_core.api.bus import Bus
from task_core.api.capabilities import require
from task_core.api.consumer import Consumer
from task_core.errors import BusClosedError, BusConnectionError, DecodeError
from task_core.task import Task
from task_core.wire import decode_task

AT_ONCE = 100
"""Done tasks that are taken in one call of the bus, at most."""
TURN = 60.0
"""Seconds that one receive waits; `close` and new calls end it."""
IDLE = 30.0
"""Seconds without a waiting call after which the reader and its channel go."""
PAUSE = 0.2
"""Seconds before a lost connection is tried again."""


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
        self._waiting: dict[str, Future[Task]] = {}
        self._reader: _Reader | None = None

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
            self._waiting[id] = future
            if self._reader is None or self._reader.ended:
                self._reader = _Reader(self._open_bus, self._topic, self._deliver)
            reader = self._reader
        try:
            reader.await_start(timeout)
        except BaseException:
            self.forget(id)
            raise
        return future

    def forget(self, id: str) -> None:
        """Wait no more for a task."""
        with self._lock:
            self._waiting.pop(id, None)

    def close(self, seconds: float) -> None:
        """End the reader, waiting for it at most so long."""
        with self._lock:
            reader, self._reader = self._reader, None
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.set_exception(BusClosedError("this client is closed"))
        if reader is not None:
            reader.close(seconds)

    def _deliver(self, task: Task) -> bool:
        """Hand a task over; say whether anybody waits for another one."""
        with self._lock:
            future = self._waiting.pop(task.id, None)
            waits = bool(self._waiting)
        if future is not None:
            future.set_result(task)
        return waits


class _Reader:
    """A thread with a bus of its own, which reads the done topic."""

    def __init__(
        self, open_bus: Callable[[], Bus], topic: str, deliver: Callable[[Task], bool]
    ) -> None:
        self.ended = False
        self._open_bus = open_bus
        self._topic = topic
        self._channel = f"call-{uuid.uuid4().hex[:12]}"
        self._deliver = deliver
        self._stop = threading.Event()
        self._started: Future[None] = Future()
        self._consumer: Consumer | None = None
        self._thread = threading.Thread(
            target=self._serve, name="task-results", daemon=True
        )
        self._thread.start()

    def await_start(self, timeout: float) -> None:
        """Wait until it reads; raise what keeps it from that."""
        try:
            self._started.result(timeout)
        except TimeoutError:
            text = f"the bus did not let us read '{self._topic}' in {timeout:.1f}s"
            raise BusConnectionError(text) from None

    def close(self, seconds: float) -> None:
        """End it."""
        self._stop.set()
        if (consumer := self._consumer) is not None:
            consumer.wake()
        self._thread.join(seconds)

    def _serve(self) -> None:
        bus: Bus | None = None
        try:
            bus = self._open_bus()
            require(bus.capabilities, "channels", bus.name, "call")
            self._consumer = bus.subscribe(self._topic, self._channel, temporary=True)
            self._started.set_result(None)
            self._read(self._consumer)
        except BaseException as error:  # noqa: BLE001  raised where somebody waits
            if not self._started.done():
                self._started.set_exception(error)
        finally:
            self.ended = True
            if bus is not None:
                bus.close()

    def _read(self, consumer: Consumer) -> None:
        idle, limit = False, 1
        while not self._stop.is_set():
            try:
                deliveries = consumer.receive(limit, IDLE if idle else TURN)
                if deliveries:
                    consumer.ack(deliveries)
            except BusConnectionError:
                self._stop.wait(PAUSE)
                continue
            if not deliveries and idle:
                return
            # Brokers that push hold back what is less than was asked for.
            full = len(deliveries) == limit
            limit = min(2 * limit, AT_ONCE) if full else 1
            waits = [self._hand_over(one.body) for one in deliveries]
            idle = not any(waits)

    def _hand_over(self, body: bytes) -> bool:
        try:
            return self._deliver(decode_task(body))
        except DecodeError:
            return True  # somebody else's; it says nothing about who waits
