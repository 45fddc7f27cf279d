"""One delivery on its way through the launcher."""

import msgspec

from task_core.api.message import Delivery
from task_core.api.worker import Outcome
from task_core.clock import Clock
from task_core.launcher.context import RunContext
from task_core.task import Task

PENDING = Outcome("")
"""The outcome of a job that no slot has finished."""


class Job(msgspec.Struct, eq=False, gc=False):
    """A delivery, its task and, once a slot had it, how it went.

    Args:
        delivery: What to settle.
        task: What to do; the slot stamps `started` and `ended`.
        outcome: How it went; `PENDING` before.
        context: What the worker saw, when it asked for a context.
        took: Seconds in the slot.
    """

    delivery: Delivery
    task: Task
    outcome: Outcome = PENDING
    context: RunContext | None = None
    took: float = 0.0


def stamp_unrun(task: Task, clock: Clock) -> None:
    """Stamp a task that gets its outcome without a run."""
    task.started = task.started or clock.stamp()
    task.ended = clock.stamp()
