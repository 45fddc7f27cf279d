"""The hooks: who may run, who has run, and who was sent before."""

import logging
import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from task_core.api import (
    Outcome,
    Settled,
    Task,
    UsageError,
    complete,
    failed,
    hookimpl,
    later,
    shown,
)
from task_hooks_once.key import key_of, lacking, storable
from task_hooks_once.locks import Locks
from task_hooks_once.options import Mode, OnceOptions
from task_hooks_once.store import Record, StoreError
from task_hooks_once.stores import open_store

DONE = ("complete", "warn")
"""Results after which a task counts as done; after others it may run again."""
FAILED = "error"
"""Kind, result and fate of a failed run, after which a copy may stand for its task."""
AWAY = 5.0
"""Seconds that tasks wait for a store that is away."""

log = logging.getLogger("task.once")


def make(options: OnceOptions) -> "Sending":
    """Return the hooks; where no type is named, none that are asked for each task."""
    return Once(options) if options.types else Sending(options)


class Sending:
    """Remembers what was sent; costs nothing where tasks run.

    Args:
        options: What it was told.
    """

    def __init__(self, options: OnceOptions) -> None:
        self._options = options
        self._store = open_store(options.store)
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    @hookimpl
    def task_claim_send(self, task: Task, topic: str, seconds: float) -> str | None:
        """Say whether the like of a task was sent before; else it counts as sent."""
        if name := lacking(self._options.key, task):
            raise UsageError(f"once: its meta has no '{name}', which is of its key")
        record = Record(self._sending(task), storable(task.id), done=True)
        other = self._store.take(self._sent_key(task, topic), record, seconds)
        if other is None:
            return ""
        return other.id or "a task without an id"

    @hookimpl
    def task_send_failed(self, task: Task, topic: str) -> None:
        """Forget that a task was sent: it was not."""
        self._store.drop(self._sent_key(task, topic), self._sending(task))

    def _sending(self, task: Task) -> str:
        """Return who sends a task: no two that are alike have the same."""
        return f"sending:{storable(task.id) or id(task)}:{os.getpid()}:{self._owner}"

    def _sent_key(self, task: Task, topic: str) -> str:
        return f"sent {topic} {key_of(self._options.key, task)}"


class Once(Sending):
    """Lets one task of a key run at a time, and within a window, once.

    Args:
        options: What it was told.
    """

    def __init__(self, options: OnceOptions) -> None:
        super().__init__(options)
        self._lease = options.lease.total_seconds()
        self._locks = Locks(self._store, self._owner, self._lease)

    @hookimpl(trylast=True)  # what others forbid must not be taken for work
    def task_should_run(self, task: Task) -> Outcome | None:
        """Take the lock of a task, or say what becomes of it without."""
        types = self._options.types
        if not (task.type in types or "*" in types):
            return None
        if name := lacking(self._options.key, task):
            return failed(f"once: its meta has no '{name}', which is of its key")
        key = self._run_key(task)
        mine = Record(self._owner, storable(task.id), done=False)
        try:
            other = self._store.take(key, mine, self._lease)
        except StoreError as error:
            log.warning("%s", error)
            return later(f"once: {error}", AWAY)
        if other is None:
            self._locks.add(key, task)
            return None
        return self._instead(task, other)

    def _instead(self, task: Task, other: Record) -> Outcome:
        """Return what becomes of a task whose like is in work, or was done."""
        mode, pause = self._options.mode, self._options.pause.total_seconds()
        who = f"task {other.id}" if other.id else "its like"
        if other.done:
            text = f"already done by {who}"
            return failed(text) if mode is Mode.ERROR else complete(text)
        # The same task again: that it is in work may be the last we hear of it.
        if mode is Mode.WAIT or other.id == storable(task.id):
            return later(f"waits for {who}", pause)
        text = f"already in work by {who}"
        return failed(text) if mode is Mode.ERROR else complete(text)

    @hookimpl
    def task_finished(self, task: Task, outcome: Outcome) -> None:
        """Free the lock after a failure; what was done keeps it until it is settled."""
        lock = self._locks.of(task)
        if lock is None and outcome.kind == FAILED:
            lock = self._locks.copied(self._run_key(task), task, has_run=False)
        if lock is None:  # it has not run: its like has the lock, perhaps
            return
        if outcome.result in DONE:
            self._locks.has_run(lock)
        else:
            self._locks.remove(lock)
            self._forget(lock.key)

    @hookimpl
    def batch_settled(self, batch: Sequence[Settled]) -> None:
        """Remember what is done: only now can nothing bring it back."""
        for one in batch:
            if one.task is not None:
                self._settled(one.task, one.fate)

    def _settled(self, task: Task, fate: str) -> None:
        lock = self._locks.of(task)
        if lock is None and fate == FAILED:
            lock = self._locks.copied(self._run_key(task), task, has_run=True)
        if lock is None:
            return
        self._locks.remove(lock)
        window = self._options.window.total_seconds()
        if fate in DONE and window:
            self._remember(lock.key, task, window)
        else:  # nothing tells of the end of a run whose thread was ended from outside
            self._forget(lock.key)

    def _run_key(self, task: Task) -> str:
        return f"run {key_of(self._options.key, task)}"

    def _remember(self, key: str, task: Task, window: float) -> None:
        try:
            record = Record(self._owner, storable(task.id), done=True)
            self._store.put(key, record, window)
        except StoreError as error:  # raised, it would have this hook muted
            text = "task %s is done, and not remembered: %s"
            log.warning(text, shown(task.id), error)

    def _forget(self, key: str) -> None:
        try:
            self._store.drop(key, self._owner)
        except StoreError as error:
            log.warning("a lock is left to end by itself: %s", error)

    @hookimpl
    def launcher_stopped(self, stats: Mapping[str, Any]) -> None:
        """Renew nothing any more."""
        self._locks.close()
        self._store.close()
