"""Running a taskmaster in a test: its time is the test's, and nothing leaves."""

import logging
from collections.abc import Callable
from datetime import datetime

from task_core.api.taskmaster import Taskmaster
from task_core.runtime.taskmaster import TaskmasterLoop
from task_core.task import Task
from task_core.testing.doubles import FakeClock, RecordingBus
from task_core.wire import decode_task

_LEASE = 30.0


def run_taskmaster(
    taskmaster: Taskmaster,
    *,
    clock: FakeClock | None = None,
    until: datetime | None = None,
    bus: RecordingBus | None = None,
) -> list[tuple[Task, str]]:
    """Run a taskmaster as `task launch` would, and return what it sent.

    Args:
        taskmaster: What to run.
        clock: Its time, which passes only while it waits.
        until: Stop it at its first wait that reaches this moment; without one it must
            end by itself, as it does when the bus has delivered its last message.
        bus: What it reads and where it sends; an empty one when not given.

    Returns:
        The tasks in the order of sending, each with its topic; `created` tells when.

    Example:
        >>> class Once(Taskmaster):
        ...     def run(self, ctx):
        ...         ctx.send(Task.new("load", "today.csv"))
        >>> [(task.info, topic) for task, topic in run_taskmaster(Once())]
        [('today.csv', 'load')]
    """
    clock = clock or FakeClock()
    bus = bus or RecordingBus()
    loop = TaskmasterLoop(
        taskmaster,
        bus=bus,
        lease=_LEASE,
        clock=clock,
        log=logging.getLogger("task.taskmaster.test"),
    )
    before, kept = len(bus.sent), clock.on_wait
    if until is not None:
        clock.on_wait = _stopper(loop, clock, until.timestamp())
    try:
        loop.run()
    finally:
        clock.on_wait = kept
    return [(decode_task(sent.body), sent.topic) for sent in bus.sent[before:]]


def _stopper(
    loop: TaskmasterLoop, clock: FakeClock, end: float
) -> Callable[[], object]:
    kept = clock.on_wait

    def look() -> None:
        kept()
        if clock.time() >= end:
            loop.stop()

    return look
