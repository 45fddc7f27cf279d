"""Builds a launcher from settings and runs it: the composition root of `task launch`."""

import logging
import os
import signal
from importlib import import_module

from task_core.api.bus import Bus, BusContext, Role
from task_core.cli.launch_options import LaunchOptions
from task_core.cli.settings import LaunchSettings, SelectedBus
from task_core.cli.stdout import claim_stdout
from task_core.clock import SystemClock
from task_core.dead import dead_topic
from task_core.runtime.burial import Undertaker
from task_core.runtime.call import Call, compile_call
from task_core.runtime.cancel import Cancel
from task_core.runtime.context import Surroundings
from task_core.runtime.exchange import Exchange
from task_core.runtime.guarantee import promise
from task_core.runtime.intake import Intake
from task_core.runtime.launcher import Launcher
from task_core.runtime.listeners import Hooks
from task_core.runtime.pair import BusPair
from task_core.runtime.plan import Equipment, Plan
from task_core.runtime.shutdown import Supervisor
from task_core.runtime.stats import Stats
from task_core.runtime.window import Window

SLOTS = {False: "task_core.runtime.threads", True: "task_core.runtime.coroutines"}
"""Where slots come from: for plain functions, and for `async def`."""

log = logging.getLogger("task")


def run(settings: LaunchSettings, hooks: Hooks) -> int:
    """Run a worker until the end of input, a limit or a signal.

    Args:
        settings: What the command line, environment and TOML say.
        hooks: Who listens.

    Returns:
        The exit code.

    Raises:
        TaskError: The worker or the bus cannot be used.
    """
    stdout = claim_stdout()
    call = compile_call(settings.worker.make(settings.worker_options))
    bus = _open_bus(settings, stdout)
    stats = Stats(SystemClock())
    launcher = _build(settings, call, bus, stats, hooks)
    supervisor = Supervisor(launcher, settings.launch.kill_time.total_seconds())
    try:
        ended = supervisor.run()
    finally:
        log.info("%s", summary(stats, launcher.running))
    if ended:
        call.close()
    code = _exit_code(supervisor.signals, stats, settings.launch)
    if stats.abandoned or not ended:
        _leave(code)
    return code


def _open_bus(settings: LaunchSettings, stdout: int) -> Bus:
    """Open what is read and what is written: one bus, or two as a pair."""
    source, target = settings.in_bus, settings.out_bus
    if source is None and target is None:
        return _open(settings.bus, Role.BOTH, stdout)
    opened = _open(source or settings.bus, Role.IN, stdout)
    try:
        return BusPair(opened, _open(target or settings.bus, Role.OUT, stdout))
    except BaseException:
        opened.close()
        raise


def _open(selected: SelectedBus, role: Role, stdout: int) -> Bus:
    return selected.plugin.open(selected.options, BusContext(role=role, stdout=stdout))


def _build(
    settings: LaunchSettings, call: Call, bus: Bus, stats: Stats, hooks: Hooks
) -> Launcher:
    options = settings.launch
    plan = _plan(settings, call, bus)
    clock, cancel, exchange = SystemClock(), Cancel(), Exchange()
    window = Window(options.concurrency, options.prefetch)
    surroundings = Surroundings(
        cancel=cancel,
        log=logging.getLogger(f"task.worker.{settings.worker.name}"),
        options=settings.worker_options,
    )
    undertaker = Undertaker(plan.topic, plan.channel, plan.dead_topic, clock)
    slots = import_module(SLOTS[call.is_async]).make_slots(
        options.concurrency, call, exchange, surroundings, clock, hooks
    )
    equipment = Equipment(
        bus=bus,
        undertaker=undertaker,
        intake=Intake(
            undertaker=undertaker,
            task_type=settings.worker.type,
            type_policy=options.type_policy.value,
            clock=clock,
            hooks=hooks,
        ),
        slots=slots,
        exchange=exchange,
        window=window,
        cancel=cancel,
        stats=stats,
        clock=clock,
        hooks=hooks,
        log=log,
    )
    return Launcher(plan, equipment)


def _plan(settings: LaunchSettings, call: Call, bus: Bus) -> Plan:
    """Fill in what the options leave open: the task type names topic and channel."""
    options, task_type = settings.launch, settings.worker.type
    topic, channel = options.topic or task_type, options.channel or task_type
    kind = "coroutine" if call.is_async else "thread"
    return Plan(
        topic=topic,
        channel=channel,
        done_topic=options.done_topic,
        dead_topic=options.dead_topic or dead_topic(topic),
        guarantee=(
            f"worker {settings.worker.name} on bus {bus.name}, topic {topic}, channel"
            f" {channel}: {promise(bus.capabilities)}; {kind} slots:"
            f" {options.concurrency}, prefetch: {options.prefetch or 'measured'}"
        ),
        max_tasks=options.max_tasks,
        drain=options.drain,
        kill_time=options.kill_time.total_seconds(),
    )


def summary(stats: Stats, unreported: int) -> str:
    """Say in one line what a launcher did."""
    parts = [f"{count:,} {name}" for name, count in sorted(stats.results.items())]
    extras = {
        "sent to the dead topic": stats.dead,
        "given back": stats.returned,
        "forced to close": stats.abandoned,
        "not reported": unreported,
    }
    parts += [f"{count:,} {name}" for name, count in extras.items() if count]
    return f"{', '.join(parts)} in {stats.runtime:.2f}s"


def _exit_code(signals: list[int], stats: Stats, options: LaunchOptions) -> int:
    if signal.SIGINT in signals or len(signals) > 1:
        return 130
    return 1 if options.fail and stats.failed else 0


def _leave(code: int) -> None:
    """End the process although worker threads are stuck in it."""
    logging.shutdown()
    os._exit(code)
