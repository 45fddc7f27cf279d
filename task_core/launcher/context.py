"""One delivery on its way through the launcher, and what its run sees of it."""

import logging
import time
from collections.abc import Callable, Iterable
from math import inf
from reprlib import repr as short
from typing import Any

import msgspec
from msgspec.structs import asdict, astuple

from task_core.api.message import Delivery, Message
from task_core.api.plugin import not_a_task
from task_core.api.worker import Kind, Outcome, describe, failed, interrupted
from task_core.clock import Clock
from task_core.launcher.stop import Cancel
from task_core.task import Task, merge_meta, parse_date, parse_meta, topic_of
from task_core.values import parse_wait
from task_core.wire import decode_task, encode_readable

TIMEOUT = "timeout"
"""Key of a task's meta that says how long its run may take, for example `5m`."""
STAMPED = ("created", "started")
"""Dates that a worker may have changed; the other one is stamped after it."""
MOST_DATES = 4096
"""Dates that are remembered; stamps have whole seconds, so most are the same."""
_DATES = {""}
UNFINISHED = interrupted()
"""The outcome of a job that no slot has finished."""


def refused(reason: str) -> Outcome:
    """Return the outcome of a task that never runs, whatever its retries."""
    return Outcome(Kind.REFUSED.value, reason)


def accept(message: Message) -> None:
    """Accept any message."""


def endless() -> float:
    """Return the grace of runs that nobody stops."""
    return inf


class SharedContext(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What all runs of one launcher share.

    Args:
        cancel: The switch behind `ctx.cancelled`.
        log: Logger of the worker.
        worker: Its name.
        options: The worker's own options.
        check: Raises for a child that the bus is known to refuse.
        timeout: Seconds that a run may take, or None.
        retry_on: Exceptions after which a task runs again.
        monotonic: The clock of deadlines.
        grace: Seconds that runs have after a stop.
    """

    cancel: Cancel
    log: logging.Logger
    worker: str = ""
    options: Any = None
    check: Callable[[Message], None] = accept
    timeout: float | None = None
    retry_on: tuple[type[BaseException], ...] = ()
    monotonic: Callable[[], float] = time.monotonic
    grace: Callable[[], float] = endless


class Call(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A worker, ready to be called.

    Args:
        invoke: Takes the task and the context (or None), returns what the worker
            returns: for an `async def`, the coroutine.
        is_async: Whether that must be awaited.
        wants_context: Whether a context must be made for it.
        sees_task: Whether it gets the task itself, and so can change it.
        close: To be called after the last task.
    """

    invoke: Callable[[Task, Any], Any]
    is_async: bool
    wants_context: bool
    sees_task: bool
    close: Callable[[], None]


class RunContext:
    """The context of one run. Only made for workers that ask for one."""

    __slots__ = ("_shared", "attempt", "children", "deadline", "meta_changes", "task")

    def __init__(self, task: Task, attempt: int, shared: SharedContext) -> None:
        self.task = task
        self.attempt = attempt
        self.deadline: float | None = None
        if (seconds := limit_of(task, shared.timeout)) is not None:
            self.deadline = shared.monotonic() + seconds
        self.children: list[tuple[Task, str]] = []
        self.meta_changes: dict[str, str | Iterable[str]] | None = None
        self._shared = shared

    @property
    def cancelled(self) -> bool:
        """Whether to stop early: return `interrupted()` soon."""
        return self._shared.cancel.requested or self.left <= 0

    @property
    def left(self) -> float:
        """Seconds until the deadline; endless without one."""
        if self.deadline is None:
            return inf
        return self.deadline - self._shared.monotonic()

    @property
    def grace_left(self) -> float:
        """Seconds of the kill time that are left; all of it before a stop."""
        return self._shared.grace()

    @property
    def log(self) -> logging.Logger:
        """Logger of this worker."""
        return self._shared.log

    @property
    def options(self) -> Any:
        """The worker's own options, or None when it declares none."""
        return self._shared.options

    @property
    def meta(self) -> dict[str, str | Iterable[str]]:
        """Put values here to change the task's meta."""
        if self.meta_changes is None:
            self.meta_changes = {}
        return self.meta_changes

    def merge_meta(self) -> None:
        """Put what the worker left in `meta` into the task."""
        if self.meta_changes:
            self.task.meta = merge_meta(self.task.meta, self.meta_changes)

    def strange_meta(self) -> str:
        """Return what in `meta` is neither a text nor several, if it can be told."""
        for key, value in (self.meta_changes or {}).items():
            several = isinstance(value, list | tuple | set | frozenset)
            texts = value if several else (value,)
            lazy = not isinstance(value, bytes) and isinstance(value, Iterable)
            plain = all(isinstance(text, str) for text in texts)
            if not isinstance(key, str) or not (plain or (lazy and not several)):
                return f"ctx.meta[{short(key)}] = {short(value)}, not a str or a list"
        return ""

    def wait(self, seconds: float) -> bool:
        """Sleep; return True when cancelled, at once in that case."""
        if seconds < self.left:
            return self._shared.cancel.wait(seconds)
        while not self.cancelled:
            self._shared.cancel.wait(self.left)
        return True

    def send(self, task: Task, topic: str | None = None) -> None:
        """Create a child task; it leaves together with the settle of this one.

        Raises:
            TypeError: It is no task, or the topic is no text.
            DecodeError: It is no task that could be read again.
        """
        if not isinstance(task, Task):
            raise TypeError(f"ctx.send: {not_a_task(task)}")
        if topic is not None and not isinstance(topic, str):
            raise TypeError(f"ctx.send: topic: a text is wanted, not {topic!r}")
        body, child = encode_readable(task)  # a copy: workers re-use theirs
        topic = str.__str__(topic or topic_of(child))
        self._shared.check(Message(topic, body))
        self.children.append((child, topic))


class LeftBehind(BaseException):
    """Raised where a run ends after all: another one has its slot."""


class Job(msgspec.Struct, eq=False, gc=False):
    """A delivery, its task and, once a slot had it, how it went.

    Args:
        delivery: What to settle.
        task: What to do; the slot stamps `started` and `ended`.
        outcome: How it went.
        context: What the worker saw, when it asked for a context.
        took: Seconds in the slot.
        excepted: Whether it failed with an exception after which it runs again.
        told: Whether the log has said why it failed.
        killed: How its process ended, when that died of it.
    """

    delivery: Delivery
    task: Task
    outcome: Outcome = UNFINISHED
    context: RunContext | None = None
    took: float = 0.0
    excepted: bool = False
    told: bool = False
    killed: str = ""


def take_changes(job: Job) -> None:
    """Take over what a worker changed; nonsense in it is an error of the task."""
    context, task = job.context, job.task
    if context is not None and context.meta_changes:
        try:
            context.merge_meta()
        except Exception as error:  # noqa: BLE001  it may be lazy code of the worker's
            text = context.strange_meta() or describe(error)
            job.outcome = failed(f"the worker's meta is no text: {text}")
    try:
        "".join(astuple(task))
    except TypeError:
        _undo(job, "text", [n for n, v in asdict(task).items() if not _is_text(v)])
        return
    if task.created in _DATES and task.started in _DATES:
        return
    if names := [name for name in STAMPED if not _is_date(getattr(task, name))]:
        _undo(job, "date", names)


def _undo(job: Job, what: str, names: list[str]) -> None:
    """Forget what a worker changed in a task, and let that be its outcome."""
    started = job.task.started
    job.task = decode_task(job.delivery.body)
    job.task.started = started if _is_text(started) and _is_date(started) else ""
    fields = ", ".join(names)
    job.outcome = failed(f"the worker put something that is no {what} in: {fields}")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_date(text: str) -> bool:
    """Whether a text is a date, or none at all; remembers dates, as most come again."""
    if not text or text in _DATES:
        return True
    try:
        parse_date(text)
    except ValueError:
        return False
    if len(_DATES) >= MOST_DATES:
        _DATES.clear()
    _DATES.add(text)
    return True


def limit_of(task: Task, timeout: float | None) -> float | None:
    """Return the seconds that a run may take: what the task says counts most.

    Args:
        task: Perhaps with a `timeout` in its meta.
        timeout: Of a task that says nothing.

    Raises:
        ValueError: It says nonsense.
    """
    if TIMEOUT not in task.meta or not (found := parse_meta(task.meta).get(TIMEOUT)):
        return timeout
    try:
        seconds = parse_wait(found[-1]).total_seconds()
    except ValueError as error:
        raise ValueError(f"meta: {TIMEOUT}: {error}") from None
    if not seconds:
        raise ValueError(f"meta: {TIMEOUT}: must be more than 0s")
    return seconds


def stamp_unrun(task: Task, clock: Clock) -> None:
    """Stamp a task that gets its outcome without a run."""
    task.started = task.started or clock.stamp()
    task.ended = clock.stamp()
