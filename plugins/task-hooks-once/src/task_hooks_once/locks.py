"""What this process is at: locks that are renewed for as long as it lives."""

import logging
import threading
import time
from math import inf
from typing import Any

import attrs

from task_core.api import FrameworkError, Task
from task_hooks_once.store import Store

UNSETTLED = 10
"""Leases for which a lock is renewed when its task has run and is not settled."""

log = logging.getLogger("task.once")


@attrs.define(eq=False)
class Lock:
    """One task that is in work here.

    Args:
        key: What makes others like it.
        task: It; held, so that its place in memory stays its own.
        until: Moment on the monotonic clock after which it is not renewed.
    """

    key: str
    task: Task
    until: float = inf


class Locks:
    """Locks of the tasks that are in work here, by task.

    Args:
        store: Where they are.
        owner: Who we are.
        lease: Seconds for which they are taken, and renewed at a third of that.
    """

    def __init__(self, store: Store, owner: str, lease: float) -> None:
        self._store = store
        self._owner = owner
        self._lease = lease
        self._held: dict[Any, Lock] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, key: str, task: Task) -> None:
        """Renew the lock of a task from now on."""
        with self._lock:
            self._held[_place(task)] = Lock(key, task)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._renew, name="task-once", daemon=True
                )
                self._thread.start()

    def key_of(self, task: Task) -> str | None:
        """Return the key of the lock that a task has here."""
        found = self._held.get(_place(task))
        return found.key if found else None

    def has_run(self, task: Task) -> None:
        """Note that only settling is left: what goes to others is never settled."""
        if found := self._held.get(_place(task)):
            found.until = time.monotonic() + UNSETTLED * self._lease

    def remove(self, task: Task) -> None:
        """Renew the lock of a task no more."""
        with self._lock:
            self._held.pop(_place(task), None)

    def close(self) -> None:
        """Renew nothing any more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(self._lease)

    def _renew(self) -> None:
        while not self._stopped.wait(self._lease / 3):
            with self._lock:
                now = time.monotonic()
                for place, lock in [*self._held.items()]:
                    if lock.until < now:
                        del self._held[place]
                keys = [lock.key for lock in self._held.values()]
            try:
                if keys:
                    self._store.renew(keys, self._owner, self._lease)
            except FrameworkError as error:
                log.warning("locks are not renewed: %s", error)


def _place(task: Task) -> Any:
    """Return what a task is found by: a run may change everything else of it."""
    return task.id or id(task)
