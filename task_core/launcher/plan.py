"""What a launcher is to do, and what it does it with."""

import logging

import attrs

from task_core.api.bus import Bus
from task_core.clock import Clock
from task_core.launcher.cancel import Cancel
from task_core.launcher.dead_letters import DeadLetters
from task_core.launcher.exchange import Exchange
from task_core.launcher.hooks import Hooks
from task_core.launcher.intake import Intake
from task_core.launcher.retries import Retries
from task_core.launcher.slots import Slots
from task_core.launcher.stats import Stats
from task_core.launcher.window import Window


@attrs.frozen(kw_only=True, eq=False)
class Plan:
    """What a launcher is to do.

    Args:
        topic, channel: What to read.
        done_topic, dead_topic: Where done tasks and dead letters go.
        max_tasks: Stop after so many deliveries; 0 is no limit.
        drain: Stop when the topic is empty.
        guarantee: The line that says what is promised, for the start.
        kill_time: Seconds of grace for running tasks after a stop.
        lease: Seconds until the bus hands out again what is neither settled nor
            renewed, where it has leases.
        max_attempts: Receipts after which a delivery is dead, where the bus counts.
    """

    topic: str
    channel: str
    done_topic: str
    dead_topic: str
    guarantee: str
    max_tasks: int = 0
    drain: bool = False
    kill_time: float = 10.0
    lease: float = 30.0
    max_attempts: int = 5


@attrs.frozen(kw_only=True, eq=False)
class Equipment:
    """The parts of a launcher, put together by the command line.

    Args:
        bus: What carries the tasks.
        intake: Decodes.
        dead_letters: Writes dead letters.
        slots: Run.
        exchange: Where the bus thread and the slots meet.
        window: How many tasks may be held.
        retries: Brings failed tasks back; None where the bus cannot delay.
        cancel: Tells the workers to stop early.
        stats: What is counted.
        clock, hooks, log: As everywhere.
    """

    bus: Bus
    intake: Intake
    dead_letters: DeadLetters
    slots: Slots
    exchange: Exchange
    window: Window
    retries: Retries | None
    cancel: Cancel
    stats: Stats
    clock: Clock
    hooks: Hooks
    log: logging.Logger
