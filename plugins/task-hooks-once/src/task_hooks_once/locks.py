"""What this process is at: locks that are renewed for as long as it lives."""

import logging
import threading
import time
from math import inf

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
        id: That of the task when it was taken: a run may change it.
        until: Moment on the monotonic clock after which it is not renewed; endless
            while its task runs.
    """

    key: str
    task: Task
    id: str
    until: float = inf

    @property
    def has_run(self) -> bool:
        """Whether only settling is left."""
        return self.until < inf


class Locks:
    """Locks of the tasks that are in work here.

    Each is found by its very task, and not by the id, which tasks may share.

    Args:
        store: Where they are.
        owner: Who we are.
        lease: Seconds for which they are taken, and renewed at a third of that.
    """

    def __init__(self, store: Store, owner: str, lease: float) -> None:
        self._store = store
        self._owner = owner
        self._lease = lease
        self._held: dict[int, Lock] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, key: str, task: Task) -> None:
        """Renew the lock of a task from now on."""
        with self._lock:
            self._held[id(task)] = Lock(key, task, task.id)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._renew, name="task-once", daemon=True
                )
                self._thread.start()

    def of(self, task: Task) -> Lock | None:
        """Return the lock that a task has here."""
        return self._held.get(id(task))

    def copied(self, key: str, task: Task, *, has_run: bool) -> Lock | None:
        """Return the lock of the task that another one is a copy of.

        The launcher makes one, of what was delivered, when a run is left behind or has
        put into its task what is no text. It starts when the first one did, or has no
        start; what was refused a run has a start of its own.

        Args:
            key: Of the copy.
            task: The copy.
            has_run: Whether the run of the first one was told to have ended.
        """
        with self._lock:
            for lock in self._held.values():
                alike = lock.key == key and lock.id == task.id
                at_once = task.started in ("", lock.task.started)
                if alike and at_once and lock.has_run == has_run:
                    return lock
        return None

    def has_run(self, lock: Lock) -> None:
        """Note that only settling is left: what goes to others is never settled."""
        lock.until = time.monotonic() + UNSETTLED * self._lease

    def remove(self, lock: Lock) -> None:
        """Renew a lock no more."""
        with self._lock:
            self._held.pop(id(lock.task), None)

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
