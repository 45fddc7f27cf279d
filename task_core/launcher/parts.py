"""What a launcher works with, and who does its tasks."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import msgspec

from task_core.api.bus import Bus
from task_core.api.capabilities import require
from task_core.api.plugin import NoOptions, WorkerPlugin
from task_core.api.worker import LAMBDA
from task_core.clock import Clock
from task_core.errors import UsageError
from task_core.launcher.context import Call, Job, SharedContext
from task_core.launcher.handover import Handover, Slots, ThreadSlots
from task_core.launcher.in_flight import InFlight, Window
from task_core.launcher.inbox import Inbox
from task_core.launcher.outbox import Outbox
from task_core.launcher.plan import AckMode, Hooks, Plan, Pool, demand
from task_core.launcher.quarantine import Quarantine
from task_core.launcher.run import make_run
from task_core.launcher.signature import AnyWorker, make_call
from task_core.launcher.stats import Stats
from task_core.launcher.stop import Cancel, Stop

if TYPE_CHECKING:
    from task_core.launcher.crashes import Crashes


class Parts(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a launcher works with.

    Args:
        bus: What carries the tasks.
        inbox: Decodes.
        in_flight: Holds what has no outcome.
        outbox: Settles what has.
        quarantine: Holds back what may kill.
        crashes: Deals with what has killed a process; None without processes.
        slots: Run.
        handover: Where the bus thread and the slots meet.
        window: How many tasks may be in flight.
        cancel: Tells the workers to stop early.
        stop: Tells whether somebody wants the end.
        stats: What is counted.
        clock, hooks, log: As everywhere.
        worker: Its name.
    """

    bus: Bus
    inbox: Inbox
    in_flight: InFlight
    outbox: Outbox
    quarantine: Quarantine
    crashes: "Crashes | None"
    slots: Slots
    handover: Handover
    window: Window
    cancel: Cancel
    stop: Stop
    stats: Stats
    clock: Clock
    hooks: Hooks
    log: logging.Logger
    worker: str


def make_slots(
    count: int,
    call: Call,
    handover: Handover,
    shared: SharedContext,
    clock: Clock,
    hooks: Hooks,
) -> Slots:
    """Return threads for a plain function, or an event loop for an `async def`."""
    if not call.is_async:

        def leave(thread: int, job: Job) -> None:
            threads.leave(thread, job)

        run = make_run(call, shared, clock, hooks, leave)
        threads = ThreadSlots(count, run, handover, shared.worker)
        return threads
    # Only for those who have one: asyncio is half of a start.
    from task_core.launcher import coroutines  # noqa: PLC0415

    return coroutines.make_slots(count, call, handover, shared, clock, hooks)


class WorkerPool(Protocol):
    """What a launcher asks of those who do its tasks."""

    kind: str
    """What a slot is called."""

    def slots(
        self,
        bus: Bus,
        handover: Handover,
        shared: SharedContext,
        clock: Clock,
        hooks: Hooks,
        stop: Stop,
    ) -> Slots:
        """Return the slots."""

    def close(self) -> None:
        """Free the worker, after the last task; may take as long as it likes."""


class LocalPool:
    """The worker in this process: in threads, or in an event loop.

    Args:
        plugin: Its manifest.
        options: Its options.
        plan: Tells how many slots there are.

    Raises:
        WorkerError: It cannot be called.
    """

    def __init__(self, plugin: WorkerPlugin, options: Any, plan: Plan) -> None:
        self._call, _ = make_call(plugin, options)
        self._count = plan.concurrency
        self.kind = "coroutine" if self._call.is_async else "thread"
        self.close = self._call.close

    def slots(
        self,
        bus: Bus,
        handover: Handover,
        shared: SharedContext,
        clock: Clock,
        hooks: Hooks,
        stop: Stop,
    ) -> Slots:
        """Return threads for a plain function, or an event loop for an `async def`."""
        return make_slots(self._count, self._call, handover, shared, clock, hooks)


def make_pool(
    worker: AnyWorker,
    plugin: WorkerPlugin,
    options: Any,
    plan: Plan,
    find: Callable[[], AnyWorker] | None,
) -> WorkerPool:
    """Return those who do the tasks.

    Args:
        worker: What the launcher was given.
        plugin: The manifest of that.
        options: The worker's options.
        plan: Tells what the slots are made of.
        find: How a process finds the worker; by module and name when None.

    Raises:
        WorkerError: The worker cannot be called, or cannot go to a process.
    """
    if plan.pool is Pool.THREAD:
        return LocalPool(plugin, options, plan)
    # Most launchers start no processes.
    from task_core.launcher.processes.pool import ProcessPool  # noqa: PLC0415

    return ProcessPool(worker, plugin, options, plan, find)


def shown_options(plugin: WorkerPlugin, options: Any) -> Any:
    """Return what a run sees as its options: None when the worker declares none."""
    return None if plugin.options is NoOptions else options


def opened_bus(bus: Bus | Callable[[], Bus]) -> Bus:
    """Return a bus that is given, or opened.

    Raises:
        UsageError: It is none.
    """
    if isinstance(bus, Bus):
        return bus
    opened = bus() if callable(bus) else bus
    if not isinstance(opened, Bus):
        raise UsageError(
            f"an open bus is wanted, not {opened!r}: task_core.open_bus(…) opens one"
        )
    return opened


def with_its_type(plugin: WorkerPlugin, options: Any) -> WorkerPlugin:
    """Return a worker with the type of tasks that its options give, if they do."""
    if plugin.type_of is None:
        return plugin
    return attrs.evolve(plugin, task_type=plugin.type_of(options))


def usable_worker(
    plugin: WorkerPlugin, plan: Plan, log: logging.Logger
) -> tuple[WorkerPlugin, Plan]:
    """Return worker and plan, complete: the tasks of a lambda are called as its topic.

    Args:
        plugin: The manifest of the worker.
        plan: What to do.
        log: Gets what has no effect.

    Raises:
        UsageError: It has no name to read a topic by.
    """
    if plan.pool is not Pool.PROCESS:
        for name in ("max_tasks_per_child", "max_memory_per_child"):
            if getattr(plan, name):
                log.warning(
                    "%s: without effect, as there are no child processes: give %s",
                    *(plan.name_of(name), plan.name_of("pool", "process")),
                )
    if plugin.type != LAMBDA:
        return plugin, plan.completed(plugin.type)
    if not plan.topic:
        raise UsageError(
            "a lambda has no name, so that its topic is unknown: give"
            f" {plan.name_of('topic', 'NAME')}, or write the worker with def"
        )
    named = attrs.evolve(plugin, task_type=plan.topic)
    return named, plan.completed(named.type)


def usable_bus(bus: Bus, plan: Plan, plugin: WorkerPlugin, log: logging.Logger) -> Bus:
    """Return the bus as the plan wants it used, if it can keep what is demanded.

    Args:
        bus: It is open.
        plan: What to do; complete.
        plugin: The manifest of the worker.
        log: Gets what the bus cannot do and nobody has asked for.

    Raises:
        UnsupportedCapabilityError: The bus cannot do what the plan wants.
        UsageError: What comes of tasks would go nowhere, or in a circle.
    """
    if plan.ack is AckMode.EARLY:
        require(bus.capabilities, "ack", bus.name, plan.name_of("ack", "early"))
        from task_core.launcher.wrappers import EarlyBus  # noqa: PLC0415  seldom used

        bus = EarlyBus(bus)
    if plan.require:
        wanted = plan.name_of("require", plan.require)
        demand(plan.require, bus.capabilities, bus.name, wanted)
    if plan.retries == plugin.defaults.retries and not bus.capabilities.delay:
        log.warning("bus '%s' cannot delay: failed tasks do not run again", bus.name)
    elif plan.retries:
        require(bus.capabilities, "delay", bus.name, plan.name_of("retries"))
    done_topic = plan.name_of("done_topic")
    if not plan.done_topic:
        raise UsageError(f"{done_topic}: it is empty; say where done tasks go")
    if plan.topic in (plan.done_topic, plan.dead_topic) and not hasattr(bus, "names"):
        raise UsageError(
            f"topic '{plan.topic}' is read, and would get what comes of its tasks, for"
            f" ever: give another {done_topic}"
        )
    return bus
