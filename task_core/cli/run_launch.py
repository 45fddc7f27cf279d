"""Builds a launcher from settings and runs it: composition root of `task launch`."""

import logging
import sys
from importlib import import_module

import msgspec

from task_core.api.bus import Bus
from task_core.api.capabilities import require
from task_core.api.plugin import NoOptions, WorkerPlugin
from task_core.cli.buses import open_bus
from task_core.cli.hooks import load_hooks
from task_core.cli.launch_options import AckMode, LaunchOptions
from task_core.cli.leaving import exit_code, leave
from task_core.cli.stdout import claim_stdout
from task_core.clock import SystemClock
from task_core.config.selection import Chosen, Settings
from task_core.errors import UnsupportedCapabilityError
from task_core.launcher.call import Call, compile_call
from task_core.launcher.cancel import Cancel
from task_core.launcher.context import Surroundings
from task_core.launcher.dead_letters import DeadLetters
from task_core.launcher.exchange import Exchange
from task_core.launcher.guarantee import demand, guarantee_of, meaning
from task_core.launcher.hooks import Hooks
from task_core.launcher.intake import Intake
from task_core.launcher.launcher import Launcher
from task_core.launcher.plan import Equipment, Plan
from task_core.launcher.retries import Retries, RetryPolicy
from task_core.launcher.shutdown import Supervisor
from task_core.launcher.stats import Stats
from task_core.launcher.window import Window
from task_core.launcher.wrappers import EarlyBus
from task_core.values import write
from task_core.wire import dead_topic

SLOTS = {False: "task_core.launcher.threads", True: "task_core.launcher.coroutines"}
"""Where slots come from: for plain functions, and for `async def`."""

log = logging.getLogger("task")


def run(settings: Settings) -> int:
    """Run a worker until the end of input, a limit or a signal.

    Args:
        settings: What the command line, environment and TOML say.

    Returns:
        The exit code.

    Raises:
        FrameworkError: The worker or the bus cannot be used.
    """
    options: LaunchOptions = settings.command
    assert settings.worker is not None  # the command sees to it
    worker: WorkerPlugin = settings.worker.plugin
    stdout = claim_stdout()  # first: what plugins print is no data
    hooks = load_hooks(settings.catalog)
    call = compile_call(worker.make(settings.worker.options))
    bus = _usable(open_bus(settings, stdout, options.lease.total_seconds()), options)
    plan = _plan(options, worker, call, bus)
    surroundings = _surroundings(settings.worker)
    equipment = _equip(options, plan, worker.type, call, surroundings, bus, hooks)
    launcher = Launcher(plan, equipment)
    supervisor = Supervisor(launcher, options.kill_time.total_seconds())
    stats = equipment.stats
    try:
        ended = supervisor.run()
    finally:
        if launcher.started:
            log.info("%s", summary(stats, launcher.running))
        if options.stats:
            sys.stderr.buffer.write(msgspec.json.encode(launcher.snapshot()) + b"\n")
    if ended:
        call.close()
    else:
        log.error("bus '%s' did not answer in time, and is left as it is", bus.name)
    failed = options.fail and stats.failed > 0
    code = exit_code(supervisor.signals, failed=failed, stuck=not ended)
    if stats.abandoned or not ended:
        leave(code)
    return code


def _surroundings(chosen: Chosen) -> Surroundings:
    """Return what all runs of a worker share."""
    worker: WorkerPlugin = chosen.plugin
    return Surroundings(
        cancel=Cancel(),
        log=logging.getLogger(f"task.worker.{worker.name}"),
        options=None if worker.options is NoOptions else chosen.options,
    )


def _usable(bus: Bus, options: LaunchOptions) -> Bus:
    """Return the bus as the options want it used, if it can keep what they demand."""
    try:
        if options.ack is AckMode.EARLY:
            require(bus.capabilities, "ack", bus.name, "--ack early")
            bus = EarlyBus(bus)
        if options.require:
            demand(options.require, bus.capabilities, bus.name)
        if options.retries:
            require(bus.capabilities, "delay", bus.name, "--retries")
    except UnsupportedCapabilityError:
        bus.close()
        raise
    return bus


def _equip(
    options: LaunchOptions,
    plan: Plan,
    task_type: str,
    call: Call,
    surroundings: Surroundings,
    bus: Bus,
    hooks: Hooks,
) -> Equipment:
    """Put the parts of the launcher together."""
    clock, exchange = SystemClock(), Exchange()
    dead_letters = DeadLetters(plan.topic, plan.channel, plan.dead_topic, clock)
    slots = import_module(SLOTS[call.is_async]).make_slots(
        options.concurrency, call, exchange, surroundings, clock, hooks
    )
    intake = Intake(
        dead_letters=dead_letters,
        task_type=task_type,
        type_policy=options.type_policy.value,
        max_attempts=options.max_attempts,
        clock=clock,
        hooks=hooks,
    )
    return Equipment(
        bus=bus,
        intake=intake,
        dead_letters=dead_letters,
        slots=slots,
        exchange=exchange,
        window=Window(options.concurrency, options.prefetch),
        retries=_retries(options, plan.topic, bus, hooks),
        cancel=surroundings.cancel,
        stats=Stats(clock),
        clock=clock,
        hooks=hooks,
        log=log,
    )


def _retries(
    options: LaunchOptions, topic: str, bus: Bus, hooks: Hooks
) -> Retries | None:
    """Return what brings failed tasks back; a bus that cannot delay has none."""
    if not bus.capabilities.delay:
        return None
    policy = RetryPolicy(
        errors=options.retries, delay=options.retry_delay.total_seconds()
    )
    return Retries(policy, topic, hooks)


def _plan(options: LaunchOptions, worker: WorkerPlugin, call: Call, bus: Bus) -> Plan:
    """Fill in what the options leave open: the task type names topic and channel."""
    topic, channel = options.topic or worker.type, options.channel or worker.type
    kind = "coroutine" if call.is_async else "thread"
    return Plan(
        topic=topic,
        channel=channel,
        done_topic=options.done_topic,
        dead_topic=options.dead_topic or dead_topic(topic),
        guarantee=(
            f"worker {worker.name} on bus {bus.name}, topic {topic}, channel"
            f" {channel}: {meaning(guarantee_of(bus.capabilities))};"
            f" {kind} slots: {options.concurrency}, prefetch: {_prefetch(options)}"
            f"{_lease(options, bus)}"
        ),
        max_tasks=options.max_tasks,
        drain=options.drain,
        kill_time=options.kill_time.total_seconds(),
        lease=options.lease.total_seconds(),
        max_attempts=options.max_attempts,
    )


def _lease(options: LaunchOptions, bus: Bus) -> str:
    return f", lease: {write(options.lease)}" if bus.capabilities.lease else ""


def _prefetch(options: LaunchOptions) -> str:
    return "measured" if options.prefetch is None else str(options.prefetch)


def summary(stats: Stats, unreported: int) -> str:
    """Say in one line what a launcher did."""
    parts = [f"{count:,} {name}" for name, count in sorted(stats.results.items())]
    extras = {
        "sent to the dead topic": stats.dead,
        "to run again": stats.retried,
        "given back": stats.returned,
        "gone to others": stats.lost,
        "forced to close": stats.abandoned,
        "not reported": unreported,
    }
    parts += [f"{count:,} {name}" for name, count in extras.items() if count]
    return f"{', '.join(parts)} in {stats.runtime:.2f}s"
