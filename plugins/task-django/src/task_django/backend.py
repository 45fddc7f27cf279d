"""The backend: what a project enqueues is sent to a bus."""

import json
import uuid
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone

from task_core.api import FrameworkError, Task, UnsupportedCapabilityError
from task_django.clients import client_of
from task_django.tasks import (
    BaseTaskBackend,
    InvalidTask,
    TaskResult,
    TaskResultStatus,
    task_enqueued,
)

TYPE = "django"
"""The type of the tasks on the bus; their topic is the name of the queue."""


class TaskBackend(BaseTaskBackend):  # type: ignore[misc]  # Django has no types
    """Sends tasks to a bus; made by Django from the setting `TASKS`.

    Results are not kept: `get_result` raises, as Django wants it of such a backend.

    Args:
        alias: Its name in the setting.
        params: What the setting says.
    """

    supports_defer = True
    supports_async_task = True
    supports_priority = True
    supports_get_result = False

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        options = dict(self.options)
        self._on_commit = options.pop("on_commit", True)
        self._database = options.pop("database", DEFAULT_DB_ALIAS)
        self._bus = options.pop("bus", None)
        self._more = options

    @property
    def client(self) -> Any:
        """The client of the bus, which all backends of this setting share."""
        return client_of(self._bus, self._more)

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Send a task; in a transaction, when that is committed.

        Raises:
            InvalidTask: Django forbids it, or the bus cannot do what it asks for.
            FrameworkError: It could not be sent.
        """
        self.validate_task(task)
        result = TaskResult(
            task=task,
            id=str(uuid.uuid4()),
            status=TaskResultStatus.READY,
            enqueued_at=None,
            started_at=None,
            finished_at=None,
            last_attempted_at=None,
            args=args,
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        send = partial(self._send, result)
        if self._on_commit and connections[self._database].in_atomic_block:
            self._refuse_what_the_bus_cannot(task)  # a commit is too late for that
            transaction.on_commit(send, using=self._database)
        else:
            send()
        return result

    def check(self, **kwargs: Any) -> Iterable[Any]:
        """Tell at the start what is wrong with the options."""
        problems = []
        if not isinstance(self._on_commit, bool):
            problems.append(
                f"on_commit: True or False is wanted, not {self._on_commit!r}"
            )
        if self._database not in [*connections]:
            known = ", ".join(connections)
            problems.append(
                f"database: there is no {self._database!r}; there is {known}"
            )
        try:
            assert self.client
        except (FrameworkError, TypeError) as error:
            problems.append(str(error))
        return [checks.Error(text, id="task_django.E001") for text in problems]

    def _refuse_what_the_bus_cannot(self, task: Any) -> None:
        wanted = {"delay": _delay_of(task) > 0, "priority": bool(task.priority)}
        client = self.client
        for name, is_wanted in wanted.items():
            if is_wanted and not getattr(client.capabilities, name):
                raise InvalidTask(f"bus '{client.name}' does not offer '{name}'")

    def _send(self, result: Any) -> None:
        """Send it, and say so to the signal."""
        task = result.task
        call = {"task": task.module_path, "args": result.args, "kwargs": result.kwargs}
        text = json.dumps(call, ensure_ascii=False, separators=(",", ":"))
        now = timezone.now()
        try:
            self.client.send(
                Task.new(TYPE, text, id=result.id),
                topic=task.queue_name,
                delay=_delay_of(task),
                priority=task.priority,
            )
        except UnsupportedCapabilityError as error:
            raise InvalidTask(str(error)) from error
        object.__setattr__(result, "enqueued_at", now)
        task_enqueued.send(type(self), task_result=result)


def _delay_of(task: Any) -> float:
    """Return the seconds until a task is due."""
    if not task.run_after:
        return 0.0
    seconds: float = (task.run_after - timezone.now()).total_seconds()
    return max(0.0, seconds)
