"""The composition root of a launcher: for the command line, programs and tests."""

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

import attrs

from task_core.api.bus import Bus, Consumer
from task_core.api.message import check_messages
from task_core.api.plugin import WorkerPlugin
from task_core.clock import Clock, SystemClock
from task_core.launcher.context import SharedContext
from task_core.launcher.handover import Handover
from task_core.launcher.in_flight import InFlight, Window
from task_core.launcher.inbox import Inbox
from task_core.launcher.lending import LendingLoop, may_lend
from task_core.launcher.loop import Loop, subscribe
from task_core.launcher.outbox import Outbox
from task_core.launcher.parts import (
    Parts,
    WorkerPool,
    make_pool,
    opened_bus,
    shown_options,
    usable_bus,
    usable_worker,
    with_its_type,
)
from task_core.launcher.plan import (
    Hooks,
    NoHooks,
    Plan,
    Pool,
    sibling_line,
    start_line,
)
from task_core.launcher.quarantine import Quarantine
from task_core.launcher.settings import refuse_unknown
from task_core.launcher.signature import AnyWorker, as_plugin
from task_core.launcher.stats import Stats
from task_core.launcher.stop import Cancel, Closing, Stop, close_worker


def make_launcher(
    worker: AnyWorker,
    bus: Bus | Callable[[], Bus],
    plan: Plan | None = None,
    *,
    options: Any = None,
    hooks: Hooks | None = None,
    clock: Clock | None = None,
    log: logging.Logger | None = None,
    find: Callable[[], AnyWorker] | None = None,
    **settings: Any,
) -> "Launcher":
    """Put a launcher together.

    Args:
        worker: What does the tasks.
        bus: What carries them, or what opens it: called when the worker is known to be
            usable. The launcher closes it.
        plan: What to do; what the worker declares when None.
        options: The worker plugin's options; those that nobody has set when None.
        hooks: Who listens; nobody when None.
        clock, log: The machine's, and the logger `task`, when None.
        find: How a process finds the worker; by its module and name when None.
        settings: Fields of the plan, in place of what it has.

    Raises:
        TypeError, UsageError: A setting is unknown, or makes no sense.
        WorkerError: The worker cannot be called.
        UnsupportedCapabilityError: The bus cannot do what the plan wants.
        BusError: The bus cannot be opened.

    Example:
        >>> from task_core.builtin.buses import MEMORY
        >>> from task_core.builtin.memory_bus import MemoryBus
        >>> bus = MemoryBus("example", MEMORY, 30.0)
        >>> launcher = make_launcher(lambda info: info, bus, topic="load", drain=True)
        >>> launcher.run()
    """
    plugin, log = as_plugin(worker), log or logging.getLogger("task")
    options = plugin.options() if options is None else options
    plugin = with_its_type(plugin, options)
    plugin, plan = usable_worker(plugin, _plan_of(plugin, plan, settings), log)
    pool = make_pool(worker, plugin, options, plan, find)
    with contextlib.ExitStack() as undo:
        undo.callback(close_worker, pool.close, log)
        opened = opened_bus(bus)
        undo.callback(opened.close)
        made = _assemble(
            plugin,
            pool,
            usable_bus(opened, plan, plugin, log),
            plan,
            options=shown_options(plugin, options),
            hooks=hooks or NoHooks(),
            clock=clock or SystemClock(),
            log=log,
        )
        undo.pop_all()
    return made


def _plan_of(plugin: WorkerPlugin, plan: Plan | None, settings: dict[str, Any]) -> Plan:
    refuse_unknown(settings, Plan)
    return attrs.evolve(plan or Plan(**plugin.defaults.settings), **settings)


def _assemble(
    plugin: WorkerPlugin,
    pool: WorkerPool,
    bus: Bus,
    plan: Plan,
    *,
    options: Any,
    hooks: Hooks,
    clock: Clock,
    log: logging.Logger,
) -> "Launcher":
    cancel, stop, handover = Cancel(), Stop(plan.kill_time, clock), Handover()
    stats = Stats(clock)
    shared = SharedContext(
        cancel=cancel,
        log=logging.getLogger(f"task.worker.{plugin.name}"),
        worker=plugin.name,
        options=options,
        check=lambda message: check_messages(bus, [message]),
        timeout=plan.timeout,
        retry_on=plan.retry_on,
        monotonic=clock.monotonic,
        grace=stop.left_for_runs,
    )
    retries = None
    if bus.capabilities.delay:
        from task_core.launcher.retries import Retries  # noqa: PLC0415  not on a pipe

        retries = Retries(plan, hooks, bus.capabilities.max_delay, log)
    outbox = Outbox(plan, retries, stats, hooks, clock)
    alone = plan.most_held == 1
    quarantine = Quarantine(plan.max_attempts, bus.capabilities, alone=alone)
    in_flight = InFlight(plan, bus, outbox, stats, clock)
    crashes = None
    if plan.pool is Pool.PROCESS:
        from task_core.launcher.crashes import Crashes  # noqa: PLC0415  few have

        crashes = Crashes(plan, bus, in_flight, outbox)
    parts = Parts(
        bus=bus,
        inbox=Inbox(plan, plugin.type, quarantine, outbox, clock, hooks),
        in_flight=in_flight,
        outbox=outbox,
        quarantine=quarantine,
        crashes=crashes,
        slots=pool.slots(bus, handover, shared, clock, hooks, stop),
        handover=handover,
        window=Window(plan.concurrency, plan.prefetch),
        cancel=cancel,
        stop=stop,
        stats=stats,
        clock=clock,
        hooks=hooks,
        log=log,
        worker=plugin.name,
    )
    line = start_line(plan, plugin.name, pool.kind, bus)
    return Launcher(plan, parts, line, pool.close)


class Launcher:
    """Runs one worker type against one bus.

    One thread at a time makes calls on the bus: the bus thread, whose life `run` is, or
    the slot that it lends the bus to. Other threads only call `stop`.

    Args:
        plan: What to do.
        parts: What to do it with; the launcher closes the bus.
        guarantee: The line that says what is promised, for the start.
        close_worker: Called after the last task.
    """

    def __init__(
        self,
        plan: Plan,
        parts: Parts,
        guarantee: str,
        close_worker: Callable[[], None] = lambda: None,
    ) -> None:
        self.plan = plan
        self.parts = parts
        self.guarantee = guarantee
        self.stats = parts.stats
        self.loop: Loop | None = None
        """What the bus thread is at, once it works."""
        self.began = threading.Event()
        """Set when bus and worker could be used: from now on it receives."""
        sleep, call = parts.handover.sleep, parts.handover.call
        self._closing = Closing(
            close_worker, parts.stop, sleep, call, parts.clock, parts.log
        )

    @property
    def running(self) -> int:
        """How many tasks are held now, or finished and not settled."""
        return len(self.parts.in_flight.jobs) + len(self.parts.outbox.waiting)

    def snapshot(self) -> dict[str, Any]:
        """Return the counts so far, in the shape of the Go system's status page."""
        parts, plan = self.parts, self.plan
        parts.stats.leaked = parts.handover.left_behind
        return parts.stats.snapshot(
            buses=getattr(parts.bus, "names", (parts.bus.name,) * 2),  # of a pair
            topic=plan.topic,
            channel=plan.channel,
            running=min(plan.concurrency, self.running),
        )

    def facts(self) -> dict[str, Any]:
        """Return what a status page tells of this launcher (any thread)."""
        from task_core.launcher.facts import launcher_facts  # noqa: PLC0415  few ask

        return launcher_facts(self)

    def stop(self) -> None:
        """Stop: first with the kill time's grace, then at once (any thread)."""
        self.parts.stop.request()
        self.parts.handover.call()

    def run(self) -> None:
        """Work until the end of input, a limit, or `stop`.

        Raises:
            BusError: The bus failed; what could be given back was given back.
            WorkerError: A process cannot make the worker.
        """
        parts, plan = self.parts, self.plan
        try:
            # Check what will be written, before anything is read.
            parts.bus.prepare([plan.done_topic, plan.dead_topic])
            self.loop = loop = self._loop(self._subscribe())
            parts.slots.start()  # which may be where the worker is made
            self.began.set()
            parts.log.info("%s", self.guarantee)
            if warning := sibling_line(parts.bus, plan):
                parts.log.warning("%s", warning)
            self._tell("launcher_started", guarantee=self.guarantee, facts=self.facts)
            end = loop.work()
            parts.log.debug("receiving no more: %s", end.value)
            self._tell("launcher_stopping", reason=end.value)
            loop.finish()
        finally:
            parts.handover.recall()  # after a failure: no more than is begun
            parts.cancel.request()
            parts.slots.close()
            try:
                parts.bus.close()
            finally:
                self._tell("launcher_stopped", stats=self.snapshot())
                self._closing.run()

    def close(self) -> None:
        """Close the bus and the worker of a launcher that will not run.

        Raises:
            BusError: The bus failed; the worker was closed all the same.
        """
        try:
            self.parts.bus.close()
        finally:
            self._closing.run()

    def _loop(self, consumer: Consumer) -> Loop:
        if not (self.plan.limited or self.parts.hooks.decider("task_rate")):
            kind = LendingLoop if may_lend(self.plan, self.parts) else Loop
            return kind(self.plan, self.parts, consumer)
        from task_core.launcher.limits.loop import LimitedLoop  # noqa: PLC0415  few

        return LimitedLoop(self.plan, self.parts, consumer)

    def _subscribe(self) -> Consumer:
        consumer = subscribe(self.parts.bus, self.plan)
        self._tell("bus_opened", bus=self.parts.bus)
        return consumer

    def _tell(self, hook: str, **facts: object) -> None:
        if observer := self.parts.hooks.observer(hook):
            observer(**facts)
