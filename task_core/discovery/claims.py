"""Sending a task once: hook plugins remember what was sent."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from task_core.errors import DuplicateError, SendError, UsageError
from task_core.task import Task


class Listening(Protocol):
    """Who listens to hooks."""

    def observer(self, name: str) -> Callable[..., None] | None:
        """Return what tells all observers of a hook."""

    def decider(self, name: str) -> Callable[..., Any] | None:
        """Return what asks the deciders of a hook."""


class Claims:
    """Has hook plugins say which tasks may be sent, and tells them of failures.

    Args:
        listening: Who listens to hooks; nobody when None.
    """

    def __init__(self, listening: Listening | None = None) -> None:
        self._claim: Callable[..., Any] | None = None
        self._failed: Callable[..., None] | None = None
        if listening is not None:
            self._claim = listening.decider("task_claim_send")
            self._failed = listening.observer("task_send_failed")

    @contextmanager
    def taken(
        self, tasks: Sequence[Task], topics: Sequence[str], seconds: float
    ) -> Iterator[None]:
        """Claim tasks; when the body raises, those that were not sent are given back.

        Args:
            tasks, topics: What is sent where.
            seconds: For how long the like of it is refused.

        Raises:
            DuplicateError: Some were sent before; none is claimed.
            UsageError: No plugin remembers what was sent.
        """
        claimed: list[tuple[Task, str]] = []
        try:
            self._claim_all(zip(tasks, topics, strict=True), seconds, claimed)
            yield
        except BaseException as error:
            for task, topic in _not_sent(claimed, error):
                if self._failed is not None:
                    self._failed(task=task, topic=topic)
            raise

    def _claim_all(
        self,
        pairs: Iterable[tuple[Task, str]],
        seconds: float,
        claimed: list[tuple[Task, str]],
    ) -> None:
        refused, told = [], ""
        for at, (task, topic) in enumerate(pairs):
            if before := self._ask(task, topic, seconds):
                refused.append(at)
                told = told or _told(task, before)
            else:
                claimed.append((task, topic))
        if refused:
            raise DuplicateError(told, refused)

    def _ask(self, task: Task, topic: str, seconds: float) -> str:
        ask = self._claim
        answer = ask(task=task, topic=topic, seconds=seconds) if ask else None
        if answer is None:
            raise UsageError(_nobody())
        return str(answer)


def _not_sent(
    claimed: Sequence[tuple[Task, str]], error: BaseException
) -> Sequence[tuple[Task, str]]:
    """Return those that are not on the bus: what was confirmed stays claimed."""
    if isinstance(error, SendError) and error.unsent:
        return [claimed[at] for at in error.unsent if at < len(claimed)]
    return claimed


def _told(task: Task, before: str) -> str:
    return f"task '{task.type}' is not sent: its like was sent before, as {before}"


def _nobody() -> str:
    """Say that nobody remembers what was sent, and what does."""
    from task_core.discovery.explain import shipped  # noqa: PLC0415  few need it

    return (
        "unique: no hook plugin is installed that remembers what was sent, as"
        f" task-hooks-once does; {shipped('hooks', 'once')}"
    )
