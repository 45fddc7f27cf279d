"""The worker in child processes: what the launcher asks of it."""

import pickle
from typing import Any

import attrs

from task_core.api.bus import Bus
from task_core.api.plugin import WorkerPlugin
from task_core.clock import Clock
from task_core.launcher.context import SharedContext
from task_core.launcher.handover import Handover, Slots
from task_core.launcher.plan import Hooks, Plan
from task_core.launcher.processes.children import Children
from task_core.launcher.processes.recipe import Carrier, Find, write
from task_core.launcher.processes.slots import ProcessSlots
from task_core.launcher.processes.watched import Watched
from task_core.launcher.signature import AnyWorker
from task_core.launcher.stop import Stop


class ProcessPool:
    """The worker, to be made in each of the children. Here, it is only known by name.

    Args:
        worker: What the launcher was given.
        plugin: The manifest of that.
        options: The worker's options.
        plan: What the launcher does.
        find: How a child finds the worker; by module and name when None.

    Raises:
        WorkerError: Another process could not find it.
    """

    kind = "process"

    def __init__(
        self,
        worker: AnyWorker,
        plugin: WorkerPlugin,
        options: Any,
        plan: Plan,
        find: Find | None,
    ) -> None:
        self._plan = plan
        self._recipe = write(worker, plugin.name, options, plan, find)
        self._slots: ProcessSlots | None = None

    def slots(
        self,
        bus: Bus,
        handover: Handover,
        shared: SharedContext,
        clock: Clock,
        hooks: Hooks,
        stop: Stop,
    ) -> Slots:
        """Return the processes; none is started yet."""
        plan = self._plan
        carrier = Carrier(name=bus.name, capabilities=bus.capabilities)
        recipe = pickle.dumps(attrs.evolve(self._recipe, carrier=carrier))
        self._slots = ProcessSlots(
            Children(plan.concurrency, recipe, plan.timeout, plan.kill_time),
            handover,
            shared,
            clock,
            Watched.of(hooks, clock),
            lazy=plan.prefetch == 0,
            stopped=lambda: stop.requested,
        )
        return self._slots

    def close(self) -> None:
        """Wait until all children have ended, their workers' `close` included."""
        if self._slots is not None:
            self._slots.wait()
