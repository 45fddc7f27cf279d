"""Runs a taskmaster. Its `run` lives in the bus thread and owns the bus."""

import logging

from task_core.api.bus import Bus
from task_core.api.taskmaster import Taskmaster
from task_core.clock import Clock, SystemClock
from task_core.launcher.loop_context import LoopContext
from task_core.launcher.plan import Hooks, NoHooks, Plan


class TaskmasterLoop:
    """Gives a taskmaster its context, and stops it.

    Args:
        taskmaster: What to run.
        bus: What carries the tasks; the loop closes it.
        lease: Seconds of lease of a delivery, renewed at a third of it.
        max_attempts: Receipts without settlement after which a delivery is dead, where
            the bus counts: its body raises, or kills the process, each time.
        hooks: Who listens; nobody when None.
        clock, log: The machine's, and one for taskmasters, when None.
    """

    def __init__(
        self,
        taskmaster: Taskmaster,
        bus: Bus,
        *,
        lease: float = 30.0,
        max_attempts: int = 5,
        hooks: Hooks | None = None,
        clock: Clock | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        self._taskmaster = taskmaster
        self._bus = bus
        self._context = LoopContext(
            bus,
            Plan(lease=lease, max_attempts=max_attempts),
            hooks or NoHooks(),
            clock or SystemClock(),
            log or logging.getLogger("task.taskmaster"),
        )

    @property
    def sent(self) -> int:
        """How many tasks it has sent."""
        return self._context.line.sent

    def run(self) -> None:
        """Run the taskmaster until it returns."""
        try:
            self._taskmaster.run(self._context)
        finally:
            self._bus.close()

    def stop(self) -> None:
        """Ask the taskmaster to return soon (any thread)."""
        self._context.stop()
