"""The contract of a taskmaster: it creates tasks in response to events."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

from task_core.clock import Clock
from task_core.task import Task

T = TypeVar("T")


class TaskmasterContext(Protocol):
    """What a taskmaster sees of the loop that runs it."""

    clock: Clock
    """The time; never ask the machine directly, so that tests can own it."""
    log: logging.Logger
    """Logger of this taskmaster."""

    @property
    def stopping(self) -> bool:
        """Whether `run` should return soon."""

    def send(self, task: Task, topic: str | None = None) -> None:
        """Send a task, confirmed by the bus when the call returns.

        Inside the body of a `deliveries` or `batches` loop it leaves with the settle
        instead.

        Args:
            task: What to send.
            topic: Where to; the task's type when not given.

        Raises:
            PayloadError: The bus can never carry it.
        """

    def send_all(self, tasks: Iterable[tuple[Task, str | None]]) -> None:
        """Send tasks, each to its topic, as `send` does, in one call of the bus.

        Raises:
            PayloadError: The bus can never carry some of them, and tells which: none
                was sent.
        """

    def deliveries(self, topic: str, channel: str) -> Iterator[Task]:
        """Iterate over the tasks of a topic until stopped.

        Going on to the next one settles the one before, with all that was sent.
        """

    def batches(
        self, topic: str, channel: str, limit: int = 1000, wait: float = 1.0
    ) -> Iterator[list[Task]]:
        """Iterate over lists of tasks of a topic until stopped.

        Going on to the next one settles all of the one before, with all that was sent.
        What was handed out before, and not settled, comes in a list of its own: a task
        that makes the body raise takes no others along.

        Args:
            topic, channel: What to read.
            limit: Most tasks in a list.
            wait: Seconds to wait for more, from the first task of a list on.
        """

    def messages(
        self,
        topic: str,
        channel: str,
        read: Callable[[bytes], T],
        limit: int = 1000,
        wait: float = 1.0,
    ) -> Iterator[list[T]]:
        """Iterate over lists of what is no task, as `batches` does over tasks.

        Args:
            topic, channel: What to read.
            read: Returns what a body says. When it raises `DecodeError`, that is the
                reason why the body goes to the dead topic. What else it raises ends
                the loop, as if its body had raised on that alone.
            limit, wait: As of `batches`.
        """

    def wait(self, seconds: float) -> bool:
        """Sleep, or until `wake`; return True when stopping, at once in that case."""

    def wait_until(self, moment: datetime) -> bool:
        """Sleep until a moment, or until `wake`; return True when stopping."""

    def wake(self) -> None:
        """End the wait of this context, or its next one: the only call of others.

        Any thread may do so, for example one that has got a request or seen a file.
        """


Loop = Callable[[TaskmasterContext], None]
"""What a taskmaster does in one thread."""


class Taskmaster:
    """Creates tasks. A function with `@taskmaster` will do where no state is kept.

    Give `run`; or `loops`, to wait for several things at once.
    """

    def __new__(cls, *args: Any, **fields: Any) -> Self:
        """Refuse one that does nothing, before anything is opened for it."""
        if cls.run is Taskmaster.run and cls.loops is Taskmaster.loops:
            raise TypeError(f"{cls.__name__} does nothing: give it run, or loops")
        return super().__new__(cls)

    def run(self, ctx: TaskmasterContext) -> None:
        """Create tasks until there is nothing more to do or `ctx.stopping` is set."""
        raise NotImplementedError(f"{type(self).__name__}.run")

    def loops(self) -> Sequence[Loop]:
        """Return functions that run side by side, each in a thread of its own.

        Each is given a context of its own, with a bus of its own: so none needs locks
        but for what they share. The taskmaster ends when all have returned. When one
        raises, the others are stopped, and that is the error of the taskmaster.
        """
        return [self.run]

    def info(self) -> Mapping[str, Any]:
        """Return facts for people, for example the next firings."""
        return {}


class FunctionTaskmaster(Taskmaster):
    """A taskmaster that is one function; see `task_core.api.taskmaster`.

    Args:
        function: Takes the context.
    """

    def __init__(self, function: Loop) -> None:
        self._function = function

    def run(self, ctx: TaskmasterContext) -> None:
        """Call the function."""
        self._function(ctx)

    def loops(self) -> Sequence[Loop]:
        """Return the function itself, so that what is wrong with it can be seen."""
        return [self._function]
