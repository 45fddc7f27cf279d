"""Running a taskmaster in a test: its time is the test's, and nothing leaves."""

import logging
from collections.abc import Callable
from datetime import datetime
from itertools import chain
from typing import Any

from task_core import TaskmasterLoop
from task_core.api import (
    Clock,
    DecodeError,
    Message,
    Task,
    Taskmaster,
    TaskmasterContext,
    TaskmasterPlugin,
    decode_dead,
    decode_task,
)
from task_core.api import (
    taskmaster as declare,
)
from task_testing.doubles import FakeClock, RecordingBus
from task_testing.harness import default_options
from task_testing.loops_clock import Counted, LoopsClock
from task_testing.watch import Watch

AnyTaskmaster = TaskmasterPlugin | Taskmaster | Callable[[TaskmasterContext], None]
"""A plugin, a `Taskmaster` object, or a function."""

_LEASE = 30.0


def run_taskmaster(
    taskmaster: AnyTaskmaster,
    *,
    options: Any = None,
    clock: FakeClock | None = None,
    until: datetime | None = None,
    bus: RecordingBus | None = None,
    patience: float = 30.0,
) -> list[tuple[Task, str]]:
    """Run a taskmaster as `task launch` would, and return what it sent.

    Args:
        taskmaster: A plugin (what `@taskmaster` returns), an object, or a function.
        options: The plugin's options; their defaults when not given.
        clock: Its time, which passes only while it waits; one of several loops, while
            all of them wait.
        until: Stop it at its first wait that reaches this moment; without one it must
            end by itself, as it does when the bus has delivered its last message.
        bus: What it reads and where it sends; an empty one when not given.
        patience: Real seconds that it may run until it is stopped, and that it has
            from a stop on.

    Returns:
        The tasks in the order of sending, each with its topic; `created` tells when.
        Dead letters are no tasks: they are in `bus.sent`.

    Raises:
        UsageError: The plugin has options that must be given.
        ValueError: `until` does not tell its zone.
        TimeoutError: It came to no end, or goes on after it was told to stop.

    Example:
        >>> def once(ctx):
        ...     ctx.send(Task.new("load", "today.csv"))
        >>> [(task.info, topic) for task, topic in run_taskmaster(once)]
        [('today.csv', 'load')]
    """
    if until is not None and until.tzinfo is None:
        text = f"until needs a moment with a zone, for example UTC: {until}"
        raise ValueError(text)
    clock = clock or FakeClock()
    bus = bus or RecordingBus()
    loops = _made(taskmaster, options).loops()
    shared: Clock = clock
    if len(loops) > 1:
        shared = LoopsClock(clock, len(loops))
        loops = Counted(loops, shared).loops()
    watch = Watch(loops, patience)
    loop = TaskmasterLoop(
        watch,
        bus=chain([bus], iter(bus.again, None)).__next__,
        lease=_LEASE,
        kill_time=patience,
        clock=shared,
        log=logging.getLogger("task.taskmaster.test"),
    )

    def stop() -> None:
        watch.tell()
        loop.stop()

    before, on_wait = len(bus.sent), clock.on_wait
    if until is not None:
        clock.on_wait = _stopper(stop, clock, until.timestamp())
    try:
        with watch.limit(stop):
            loop.run()
    finally:
        clock.on_wait = on_wait
    tasks = ((_task_of(sent), sent.topic) for sent in bus.sent[before:])
    return [(task, topic) for task, topic in tasks if task is not None]


def _task_of(sent: Message) -> Task | None:
    """Return a task that was sent; None for a dead letter, which is none.

    Raises:
        DecodeError: It is neither.
    """
    try:
        return decode_task(sent.body)
    except DecodeError:
        decode_dead(sent.body)
        return None


def _made(taskmaster: AnyTaskmaster, options: Any) -> Taskmaster:
    if isinstance(taskmaster, Taskmaster):
        return taskmaster
    if not isinstance(taskmaster, TaskmasterPlugin):
        taskmaster = declare(taskmaster)
    return taskmaster.make(default_options(taskmaster) if options is None else options)


def _stopper(
    stop: Callable[[], object], clock: FakeClock, end: float
) -> Callable[[], object]:
    """Return what stops the loop in time, and does what was to be done at a wait."""
    on_wait = clock.on_wait

    def look() -> None:
        on_wait()
        if clock.time() >= end:
            stop()

    return look
