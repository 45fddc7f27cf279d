"""The contract of a worker: it knows how to do one task type."""

import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from task_core.errors import HookError
from task_core.task import Task

LAMBDA = "<lambda>"
"""What Python calls a function without a name."""


class Kind(StrEnum):
    """What kinds of outcome there are; the done task says `error` for the last 4."""

    COMPLETE = "complete"
    WARN = "warn"
    ALERT = "alert"
    ERROR = "error"
    RETRY = "retry"
    """Run the task again rather than report it."""
    LATER = "later"
    """The task did not run: bring it again, and count nothing."""
    INTERRUPTED = "interrupted"
    """The worker stopped early because the launcher asked it to."""
    REFUSED = "refused"
    """The launcher would not let it run, and never will."""


KINDS = {kind.value: kind.value for kind in Kind}
KINDS |= dict.fromkeys(("retry", "later", "interrupted", "refused"), "error")
"""Kind of an outcome -> result of the done task."""


class Outcome(msgspec.Struct, frozen=True):
    """How a run went; made by the functions below.

    Args:
        kind: A `Kind`, as text.
        msg: What to tell about it.
        delay: For `retry` and `later`: seconds until the next run, or None for the
            default.
    """

    kind: str
    msg: str = ""
    delay: float | None = None

    @property
    def result(self) -> str:
        """The result that the done task gets, as text."""
        return KINDS[self.kind]


COMPLETE = Outcome("complete")


def complete(msg: str = "") -> Outcome:
    """The task is done."""
    return Outcome("complete", msg) if msg else COMPLETE


def failed(reason: str | BaseException) -> Outcome:
    """The task failed; running it again may help.

    Example:
        >>> failed(ValueError("no such table")).msg
        'ValueError: no such table'
    """
    if isinstance(reason, BaseException):
        is_told = isinstance(reason, HookError)
        reason = str(reason) if is_told else describe(reason)
    return Outcome("error", reason)


def warn(msg: str) -> Outcome:
    """Something is odd but not critical; the task is not run again."""
    return Outcome("warn", msg)


def alert(msg: str) -> Outcome:
    """The task failed, a person must know now; it is not run again."""
    return Outcome("alert", msg)


def interrupted() -> Outcome:
    """The worker stopped because `ctx.cancelled` was set.

    The launcher gives the task back where the bus can, and reports an error elsewhere.
    """
    return Outcome("interrupted", "task interrupted")


def retry(msg: str, delay: float | None = None) -> Outcome:
    """The task failed in a way that running it again should mend.

    Args:
        msg: Why.
        delay: Seconds to wait first, or None to let the launcher choose.
    """
    return Outcome("retry", msg, delay)


def later(msg: str, delay: float) -> Outcome:
    """The task cannot run now, and has not: it comes again, and no try is counted.

    Where the bus cannot delay, the task is done with an error.

    Args:
        msg: Why.
        delay: Seconds to wait.
    """
    return Outcome("later", msg, delay)


def describe(error: BaseException) -> str:
    """Say an exception in one line: its type and text."""
    name = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except BaseException:  # noqa: BLE001  its `__str__` is broken, or exits
        text = ""
    return f"{name}: {text}" if text else name


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a worker's function, with types in place of texts.

    Raises:
        TypeError: It cannot be told; one line says why.
    """
    try:
        return inspect.signature(function, eval_str=True)
    except Exception as error:  # noqa: BLE001  annotations are the worker's code
        raise TypeError(
            f"its signature is unreadable: {describe(error)}; import what its"
            " annotations name at run time, not only for type checkers"
        ) from None


class WorkerContext(Protocol):
    """What a run sees of its launcher; ask for it with a `ctx` parameter."""

    task: Task
    """The task as received, with `started` stamped."""
    attempt: int
    """The how-manyth receipt of its message this is, from 1."""
    deadline: float | None
    """Moment on the monotonic clock by which to be done, or None."""
    meta: dict[str, str | Iterable[str]]
    """Put values here to change the task's meta: keys replace, others are kept."""
    options: Any
    """The worker's own options, or None when it declares none."""
    log: logging.Logger
    """Logger of this worker."""

    @property
    def cancelled(self) -> bool:
        """Whether to stop early: return `interrupted()` soon."""

    @property
    def grace_left(self) -> float:
        """Seconds that a cancelled run has to end; the kill time before a stop."""

    def wait(self, seconds: float) -> bool:
        """Sleep; return True when cancelled, at once in that case."""

    async def wait_async(self, seconds: float) -> bool:
        """`wait` for an `async def` worker."""

    def send(self, task: Task, topic: str | None = None) -> None:
        """Create a child task. It leaves together with the settle of this one.

        Args:
            task: The child.
            topic: Where to; the child's type when not given.
        """


class Worker(ABC):
    """A worker as a class, for state that lives as long as the process.

    One object serves all slots: `do_task` may run in several threads at once.
    It may also be an `async def`.
    """

    @abstractmethod
    def do_task(self, ctx: WorkerContext) -> Outcome | str | Awaitable[Any] | None:
        """Do one task.

        Returns:
            An outcome; a string or None count as `complete`. An exception is an
            `error` with its type and text.
        """

    def close(self) -> None:
        """Free what the worker holds; called once, after the last task."""
