"""The thread that owns a client's bus: many threads hand it what they want to send."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from time import monotonic

import attrs

from task_core.api.bus import Bus
from task_core.api.message import Message
from task_core.errors import (
    BusClosedError,
    BusConnectionError,
    BusError,
    FrameworkError,
    PayloadError,
    SendError,
)

AT_ONCE = 1000
"""Messages of several callers that are sent in one call of the bus, at most."""
FIRST_PAUSE, LAST_PAUSE = 0.05, 1.0
"""Seconds before a lost connection is tried again: they double."""


@attrs.define(eq=False)
class Request:
    """What one caller wants to send.

    Args:
        messages: What is not confirmed yet.
        deadline: Moment on the monotonic clock after which nobody waits for it.
        future: Gets None when all is confirmed, or the error.
        positions: Where the messages were in what the caller gave.
    """

    messages: Sequence[Message]
    deadline: float
    future: "Future[None]" = attrs.field(factory=Future)
    positions: Sequence[int] = attrs.Factory(
        lambda self: range(len(self.messages)), takes_self=True
    )

    def keep(self, left: Sequence[int]) -> None:
        """Forget what is confirmed; `left` are positions among `messages`."""
        self.messages = [self.messages[at] for at in left]
        self.positions = [self.positions[at] for at in left]


class BusThread:
    """Opens a bus when the first message comes, and makes every call on it.

    What several threads want to send at the same time leaves in one call: brokers
    confirm a batch about as fast as one message.

    Args:
        open_bus: Makes the bus.
        name: What the thread is called.
    """

    def __init__(self, open_bus: Callable[[], Bus], name: str) -> None:
        self._open_bus = open_bus
        self._requests: SimpleQueue[Request | None] = SimpleQueue()
        self._stop = threading.Event()
        self._bus: Bus | None = None
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def submit(self, messages: Sequence[Message], deadline: float) -> "Future[None]":
        """Hand over messages (any thread); the future ends when they are confirmed."""
        request = Request(messages, deadline)
        self._requests.put(request)
        if self._stop.is_set():  # it may have looked for the last time
            self._refuse()
        return request.future

    def close(self, seconds: float) -> None:
        """End the thread and its bus, waiting for it at most so long."""
        self._stop.set()
        self._requests.put(None)
        self._thread.join(seconds)

    def _serve(self) -> None:
        try:
            while not self._stop.is_set():
                request = self._requests.get()
                if request is not None:
                    self._send(self._with_others(request))
        finally:
            self._refuse()
            self._close_bus()

    def _with_others(self, request: Request) -> list[Request]:
        """Return what has come meanwhile as well, up to a limit."""
        requests, count = [request], len(request.messages)
        while count < AT_ONCE:
            try:
                other = self._requests.get_nowait()
            except Empty:
                break
            if other is not None:
                requests.append(other)
                count += len(other.messages)
        return requests

    def _send(self, requests: list[Request]) -> None:
        """Send until all are confirmed, refused, or their callers have given up."""
        pause = FIRST_PAUSE
        while requests := [one for one in requests if not one.future.done()]:
            error = self._try(requests)
            if error is None:
                continue
            now = monotonic()
            for one in requests:
                if not one.future.done() and now + pause >= one.deadline:
                    one.future.set_exception(error)
            if self._stop.wait(pause):
                return
            pause = min(2 * pause, LAST_PAUSE)

    def _try(self, requests: list[Request]) -> FrameworkError | None:
        """Send once; return the error after which trying again may help."""
        try:
            self._send_once([message for one in requests for message in one.messages])
        except BusConnectionError as error:
            return error
        except PayloadError as error:
            _refuse_some(requests, error)
        except SendError as error:
            return _keep_unsent(requests, error)
        except Exception as error:  # noqa: BLE001  it is the callers' to see
            for one in requests:
                one.future.set_exception(error)
        else:
            for one in requests:
                one.future.set_result(None)
        return None

    def _send_once(self, messages: Sequence[Message]) -> None:
        if self._bus is None:
            self._bus = self._open_bus()
        self._bus.shared_producer().send(messages)

    def _refuse(self) -> None:
        """Tell those who came too late."""
        while True:
            try:
                request = self._requests.get_nowait()
            except Empty:
                return
            if request is not None and not request.future.done():
                request.future.set_exception(BusClosedError("this client is closed"))

    def _close_bus(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            try:
                bus.close()
            except BusError:
                pass  # all that was sent is confirmed


def _shares(
    requests: Sequence[Request], positions: Sequence[int]
) -> Iterator[tuple[Request, list[int]]]:
    """Yield for each request which of the positions are its own, counted from its."""
    begin, named = 0, set(positions)
    for one in requests:
        end = begin + len(one.messages)
        yield one, [at - begin for at in range(begin, end) if at in named]
        begin = end


def _refuse_some(requests: Sequence[Request], error: PayloadError) -> None:
    """Tell those whose messages can never be sent; the others go on."""
    for one, refused in _shares(requests, error.refused):
        if refused or not error.refused:
            where = [one.positions[at] for at in refused]
            one.future.set_exception(PayloadError(str(error), where))


def _keep_unsent(requests: Sequence[Request], error: SendError) -> SendError | None:
    """Confirm what was sent; return the error if the rest may be tried again."""
    for one, left in _shares(requests, error.unsent):
        if error.unsent and not left:
            one.future.set_result(None)
            continue
        if error.unsent:
            one.keep(left)
        if not error.transient:
            one.future.set_exception(SendError(str(error), one.positions))
    return error if error.transient else None
