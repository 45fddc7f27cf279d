"""A client's bus, which one thread at a time makes calls on.

Threads that want to send at the same time hand that to a thread of the client's own,
which sends it together. Who is alone, on a bus that works, sends by itself: to wake
another thread and to be woken by it costs more than most brokers take.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic

from task_core.api.bus import Bus
from task_core.api.message import Message
from task_core.client.own_error import own_error
from task_core.client.request import Request, shares, together
from task_core.client.sent import TIMEOUT
from task_core.errors import (
    BusClosedError,
    BusConnectionError,
    BusError,
    PayloadError,
    SendError,
)

AT_ONCE = 1000
"""Messages of several callers that are sent in one call of the bus, at most."""
LEAST_PATIENCE = TIMEOUT
"""Seconds of a caller below which it does not send by itself: it could not give up,
and calls of buses may take nearly as long."""
FIRST_PAUSE, LAST_PAUSE = 0.05, 1.0
"""Seconds before a lost connection is tried again: they double."""


class BusThread:
    """Opens a bus when the first message comes, and sees to it that all is sent.

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
        self._then: Callable[[], None] | None = None  # once nobody uses it any more
        self._bus: Bus | None = None
        self._works = False  # as far as the last call tells
        # Whose turn it is to use the bus. An interrupted thread can tell whether it is.
        self._turn = threading.RLock()
        self._user = 0  # which thread uses it, 0 for none
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def submit(self, messages: Sequence[Message], timeout: float) -> Request:
        """Hand over messages (any thread); wait for the answer, at most so long."""
        request = Request(messages, monotonic() + timeout)
        try:
            if self._is_quiet(timeout) and self._turn.acquire(blocking=False):
                self._try([request])
                if request.done:
                    return request
        except BaseException:  # Ctrl-C comes anywhere, so between any two lines of ours
            self.end_turn()
            raise
        request.enqueue()
        self._requests.put(request)
        if self._stop.is_set():  # it may have looked for the last time
            self._refuse()
        return request

    def _is_quiet(self, timeout: float) -> bool:
        """Whether a caller may send by itself: nobody waits, and the bus works."""
        return (
            self._works
            and self._requests.empty()
            and timeout >= LEAST_PATIENCE
            and self._user != threading.get_ident()  # a signal's handler sends as well
        )

    def take_turn(self, seconds: float) -> bool:
        """Have nobody use the bus (any thread).

        Returns:
            Whether it could be had in time; then `end_turn` is to be called.
        """
        return self._turn.acquire(timeout=seconds)

    def end_turn(self) -> None:
        """Let others use the bus, if this thread has the turn."""
        with suppress(RuntimeError):
            self._turn.release()

    def stop(self) -> threading.Thread:
        """End the thread and its bus; return it, to be waited for."""
        self._stop.set()
        self._requests.put(None)
        return self._thread

    def leave(self, then: Callable[[], None]) -> None:
        """Have it end, and do something then; takes no lock (any thread).

        Args:
            then: Called by the thread of this, when its bus is closed.
        """
        self._then = then
        self._requests.put(None)

    def _serve(self) -> None:
        try:
            while not (self._stop.is_set() or self._then):
                request = self._requests.get()
                if request is not None:
                    self._send(request)
        finally:
            self._refuse()
            with self._turn:
                self._close_bus()
            if self._then is not None:
                self._then()

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

    def _send(self, request: Request) -> None:
        """Send until all are confirmed, refused, or their callers have given up."""
        pause = FIRST_PAUSE
        self._turn.acquire()
        requests = self._with_others(request)  # those as well that came before our turn
        while requests := [one for one in requests if not one.done]:
            error = self._try(requests)
            if error is not None:
                self._give_up(requests, error, monotonic() + pause)
                self._stop.wait(pause)
                pause = min(2 * pause, LAST_PAUSE)
            self._turn.acquire()
        self._turn.release()

    def _give_up(
        self, requests: list[Request], error: BusError, next_try: float
    ) -> None:
        """End those whose callers will be gone by the next try."""
        for one in requests:
            if not one.done and next_try >= one.deadline:
                one.fail(own_error(error))

    def _try(self, requests: list[Request]) -> BusError | None:
        """Send once; return the error after which trying again may help.

        The turn ends before anybody is told: who is may send again at once.
        """
        try:
            self._send_once(together(requests))
        except BusConnectionError as error:
            return error
        except SendError as error:
            return _keep_unsent(requests, error)
        except _NotOpenedError as refusal:
            for one in requests:
                one.fail(own_error(refusal.why))
        except Exception as error:  # noqa: BLE001  it is the callers' to see
            if isinstance(error, PayloadError) and _refuse_some(requests, error):
                return None
            if len(requests) > 1:
                return self._try_alone(requests)
            requests[0].fail(error)
        else:
            for one in requests:
                one.finish()
        return None

    def _try_alone(self, requests: list[Request]) -> BusError | None:
        """Send the messages of each by themselves: nobody knows whose are refused.

        Returns:
            The error after which trying the rest again may help.
        """
        for one in requests:
            if not one.done:
                self._turn.acquire()
                if error := self._try([one]):
                    return error
        return None

    def _send_once(self, messages: Sequence[Message]) -> None:
        """Make the call of whoever has the turn, and end that."""
        self._works = False
        try:
            self._user = threading.get_ident()
            self._opened().shared_producer().send(messages)
            self._works = True
        except Exception:
            raise
        except BaseException:  # whoever is interrupted may be in mid-sentence
            self._close_bus()
            raise
        finally:
            self._user = 0
            self._turn.release()

    def _opened(self) -> Bus:
        if self._stop.is_set():
            raise BusClosedError("this client is closed")
        if self._bus is None:
            self._bus = self._open()
        return self._bus

    def _open(self) -> Bus:
        try:
            return self._open_bus()
        except BusConnectionError:  # it is tried again
            raise
        except Exception as error:
            raise _NotOpenedError(error) from error

    def _refuse(self) -> None:
        """Tell those who came too late."""
        while True:
            try:
                request = self._requests.get_nowait()
            except Empty:
                return
            if request is not None:
                request.fail(BusClosedError("this client is closed"))

    def _close_bus(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            try:
                bus.close()
            except BusError:
                pass  # all that was sent is confirmed


class _NotOpenedError(Exception):
    """The bus cannot be opened, whoever it is for: no message is to blame."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


def _refuse_some(requests: Sequence[Request], error: PayloadError) -> bool:
    """Tell those whose messages can never be sent; the others go on.

    Returns:
        Whether there are any: the bus may not tell which.
    """
    found = [(one, own) for one, own in shares(requests, error.refused) if own]
    for one, refused in found:
        where = [one.positions[at] for at in refused]
        one.fail(PayloadError(str(error), where))
    return bool(found)


def _keep_unsent(requests: Sequence[Request], error: SendError) -> SendError | None:
    """Confirm what was sent; return the error if the rest may be tried again."""
    for one, left in shares(requests, error.unsent):
        if error.unsent and not left:
            one.finish()
            continue
        if error.unsent:
            one.keep(left)
        if not error.transient:
            one.fail(error)
    return error if error.transient else None
