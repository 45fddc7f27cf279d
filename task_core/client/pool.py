"""Threads for what would block an event loop; they hold up no exit of the program."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Pool:
    """Threads that are made when there is work, and go when there has been none.

    An executor would do; but the end of the program waits for its threads, whatever
    they are at.

    Args:
        name: What they are called.
        most: How many there are at most.
        idle: Seconds after which one goes for which there is no work; None: `close`
            ends it.
    """

    def __init__(self, name: str, most: int, idle: float | None) -> None:
        self._name = name
        self._most = most
        self._idle = idle
        self._changed = threading.Condition()
        self._work: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._count = 0
        self._free = 0
        self._closed = False

    def submit(self, act: Callable[[], T]) -> "Future[T]":
        """Have something done, in order (any thread)."""
        future: Future[T] = Future()
        with self._changed:
            if self._free <= len(self._work) and self._count < self._most:
                new = threading.Thread(target=self._serve, name=self._name, daemon=True)
                new.start()
                self._count += 1
            self._work.append((future, act))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Let the threads go when all that was submitted is done; waits for nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _serve(self) -> None:
        while (found := self._next()) is not None:
            _do(*found)
            del found  # a thread that waits holds nothing

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._changed:
            self._free += 1
            self._changed.wait_for(lambda: self._work or self._closed, self._idle)
            self._free -= 1
            if self._work:
                return self._work.popleft()
            self._count -= 1
            return None


def _do(future: "Future[T]", act: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = act()
    except BaseException as error:  # noqa: BLE001  it is the caller's to see
        future.set_exception(error)
    else:
        future.set_result(result)
