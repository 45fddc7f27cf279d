"""One run of a task of Django, with the signals and the context that it promises."""

import json
import traceback
from typing import Any

from django.db import close_old_connections
from django.utils import timezone
from django.utils.module_loading import import_string

from task_core.api import Outcome, Task, WorkerContext, complete, failed, parse_meta
from task_django import tasks

MOST = 1000
"""Retries that are told at most: Django has a name for each attempt."""


class Runs:
    """Runs tasks.

    Args:
        worker: How Django is told who ran a task.
    """

    def __init__(self, worker: str) -> None:
        self._worker = worker

    def run(self, task: Task, ctx: WorkerContext) -> Outcome:
        """Call the function of a task; what it raises is the launcher's to report."""
        try:
            call = json.loads(task.info)
            path, args, kwargs = call["task"], call["args"], call["kwargs"]
        except (ValueError, TypeError, KeyError):
            path = args = kwargs = None
        types = (type(path), type(args), type(kwargs))
        if types != (str, list, dict):
            return failed("not a task of Django: info has no task, args and kwargs")
        try:
            target = import_string(path)
        except ImportError as error:
            return failed(f"there is no task {path!r}: {error}")
        if not isinstance(target, tasks.Task):  # a message must not call anything else
            return failed(f"{path} is no task: decorate it with @task")
        close_old_connections()
        try:
            attempt = ctx.attempt + _retries_of(task)
            return self._call(self._result(target, task.id, args, kwargs, attempt))
        finally:
            close_old_connections()

    def _result(
        self, target: Any, id: str, args: Any, kwargs: Any, attempt: int
    ) -> Any:
        now = timezone.now()
        return tasks.TaskResult(
            task=target,
            id=id,
            status=tasks.TaskResultStatus.RUNNING,
            enqueued_at=None,
            started_at=now,
            finished_at=None,
            last_attempted_at=now,
            args=args,
            kwargs=kwargs,
            backend=target.backend,
            errors=[],
            worker_ids=[self._worker] * attempt,
        )

    def _call(self, result: Any) -> Outcome:
        target, sender = result.task, type(result.task.get_backend())
        tasks.task_started.send(sender=sender, task_result=result)
        first = [tasks.TaskContext(task_result=result)] if target.takes_context else []
        try:
            value = target.call(*first, *result.args, **result.kwargs)
            text = "" if value is None else json.dumps(value, ensure_ascii=False)
        except BaseException as error:
            name = f"{type(error).__module__}.{type(error).__qualname__}"
            trace = "".join(traceback.format_exception(error))
            result.errors.append(
                tasks.TaskError(exception_class_path=name, traceback=trace)
            )
            self._finish(result, sender, tasks.TaskResultStatus.FAILED)
            raise
        object.__setattr__(result, "_return_value", value)
        self._finish(result, sender, tasks.TaskResultStatus.SUCCESSFUL)
        return complete(text)

    def _finish(self, result: Any, sender: type, status: Any) -> None:
        object.__setattr__(result, "status", status)
        object.__setattr__(result, "finished_at", timezone.now())
        tasks.task_finished.send(sender=sender, task_result=result)


def _retries_of(task: Task) -> int:
    """Return how often a task has run before: a retry is a message of its own."""
    text = parse_meta(task.meta).get("retry", ["0"])[-1]
    return min(int(text[:9]), MOST) if text.isascii() and text.isdigit() else 0
