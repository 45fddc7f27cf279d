"""A task that is sent so that its done task is waited for."""

from concurrent.futures import Future
from time import monotonic

from task_core.api.message import Message
from task_core.client.parts import Parts
from task_core.client.results import Results
from task_core.task import Task


class Call:
    """A task that is sent so that its done task is waited for, in whatever way.

    Args:
        parts: Of the client.
        task: What is sent.
        message: What carries it.
        patience: Seconds for everything together, from now on.
    """

    def __init__(
        self, parts: Parts, task: Task, message: Message, patience: float
    ) -> None:
        self._parts = parts
        self._task = task
        self._message = message
        self._patience = patience
        self._end = monotonic() + patience
        self._over = False
        self._expected: tuple[Results, Future[Task]] | None = None

    def begin(self) -> "Future[Task]":
        """Send it; blocks until it is confirmed.

        Returns:
            What gets the done task.

        Raises:
            BusError: As for `Client.call`.
        """
        results = self._parts.results()
        future = results.expect(self._task.id, self.left())
        self._expected = results, future
        if self._over:  # nobody waits any more
            self.end()
            raise self.late()
        self._parts.confirm([self._message], self.left())
        return future

    def left(self) -> float:
        """Return how many seconds are left."""
        return max(0.0, self._end - monotonic())

    def late(self) -> TimeoutError:
        """Return what its caller is told when they are over."""
        task = self._task
        return TimeoutError(
            f"task '{task.type}' of id {task.id} is not done after {self._patience:g}s:"
            f" does a worker read the topic '{self._message.topic}'?"
        )

    def end(self) -> None:
        """Wait no more (any thread, also while it begins); may be repeated."""
        self._over = True
        if self._expected is not None:
            results, future = self._expected
            results.forget(self._task.id, future)
