"""What a launcher checks of its worker and its bus before it begins."""

import logging

import attrs

from task_core.api.bus import Bus
from task_core.api.capabilities import require
from task_core.api.plugin import WorkerPlugin
from task_core.errors import UsageError
from task_core.launcher.plan import AckMode, Plan, Pool, demand

LAMBDA = "<lambda>"
"""What Python calls a function without a name."""


def usable_worker(
    plugin: WorkerPlugin, plan: Plan, log: logging.Logger
) -> WorkerPlugin:
    """Return a worker whose tasks have a type: that of a lambda is its topic.

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
        return plugin
    if not plan.topic:
        raise UsageError(
            "a lambda has no name, so that its topic is unknown: give"
            f" {plan.name_of('topic', 'NAME')}, or write the worker with def"
        )
    return attrs.evolve(plugin, task_type=plan.topic)


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
