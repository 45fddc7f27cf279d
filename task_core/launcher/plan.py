"""What a launcher is told: what to do, what to promise, and who listens."""

import contextlib
import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

import attrs

from task_core.api.bus import Bus
from task_core.api.capabilities import Capabilities
from task_core.dead import dead_topic
from task_core.errors import (
    BusError,
    UnsupportedCapabilityError,
    excerpt,
)
from task_core.launcher.settings import number_or, with_readers
from task_core.shown import noun
from task_core.values import format_duration


class TypePolicy(StrEnum):
    """What to do with a task whose type is not the worker's."""

    RUN = "run"
    REJECT = "reject"
    IGNORE = "ignore"


class AckMode(StrEnum):
    """When a delivery is acknowledged."""

    EARLY = "early"
    LATE = "late"


class Pool(StrEnum):
    """What slots are made of."""

    THREAD = "thread"
    """Threads; for an `async def`, one event loop."""
    PROCESS = "process"
    """A child process for each."""


_RATE = re.compile(r"(\d+(?:\.\d+)?)/([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def parse_rate(text: str) -> float:
    """Read how many tasks may run in a second, a minute or an hour; per second.

    Raises:
        ValueError: It is no rate.

    Example:
        >>> parse_rate("10/s"), parse_rate("90/m")
        (10.0, 1.5)
    """
    match = _RATE.fullmatch(text)
    if match is None or not float(match[1]):
        raise ValueError(f"not a rate like 10/s, 100/m or 5/h: {excerpt(text)}")
    return float(match[1]) / _SECONDS[match[2]]


def _rate(value: float | str) -> float:
    return number_or(parse_rate, "rate", value)


class Guarantee(StrEnum):
    """How safe a task is when its worker is killed, from the weakest on."""

    AT_MOST_ONCE = "at-most-once"
    AT_LEAST_ONCE = "at-least-once"
    ATOMIC = "atomic"
    """At least once, and the done task and the acknowledgement are one step."""


_MEANING = {
    Guarantee.AT_MOST_ONCE: "at most once: a task is lost if its worker is killed",
    Guarantee.AT_LEAST_ONCE: "at least once: what a killed worker had comes again",
    Guarantee.ATOMIC: "at least once, settled atomically: what a killed worker had"
    " comes again",
}


@attrs.frozen(kw_only=True, eq=False, repr=False, field_transformer=with_readers)
class Plan:
    """What a launcher is to do. Times are in seconds, and may be given as `"5m"`.

    Args:
        topic, channel: What to read; the worker's task type when empty.
        done_topic, dead_topic: Where done tasks and dead letters go; `<topic>.dead`
            when empty.
        concurrency: Tasks at a time.
        pool: What the slots are made of.
        max_tasks_per_child: Tasks after which a process is replaced; 0: never.
        max_memory_per_child: Bytes in memory after which it is; 0: never.
        prefetch: Tasks to hold beyond the busy slots; None measures the tasks.
        rate: Tasks a second, at most, or a text like `"100/m"`; 0 is no limit.
        max_task_bytes: Longer messages are dead; 0 is no limit.
        pause_on_errors: Failures in a row after which nothing is received until a task
            succeeds; 0: never.
        max_tasks: Stop after so many deliveries; 0 is no limit.
        drain: Stop when the topic is empty.
        kill_time: Grace for running tasks after a stop.
        lease: Until the bus hands out again what is neither settled nor renewed,
            where it has leases.
        max_attempts: Receipts after which a delivery is dead, where the bus counts.
        retries: How often a task that fails runs again.
        retry_delay: Before the second run; doubles with each further one.
        retry_on: Exceptions after which it runs again; any failure when empty.
        timeout: How long a run may take; None is no limit.
        max_leaked: End when so many runs were left behind; 0: never.
        ack: When a delivery is acknowledged.
        require: Refuse a bus that cannot promise this.
        type_policy: What to do with tasks of another type.

    Raises:
        TypeError, UsageError: One of them makes no sense; the text names it.
    """

    topic: str = ""
    channel: str = ""
    done_topic: str = "done"
    dead_topic: str = ""
    concurrency: int = 1
    pool: Pool = Pool.THREAD
    max_tasks_per_child: int = 0
    max_memory_per_child: int = 0
    prefetch: int | None = None
    rate: float = attrs.field(default=0.0, converter=_rate)
    max_task_bytes: int = 0
    pause_on_errors: int = 0
    max_tasks: int = 0
    drain: bool = False
    kill_time: float = 10.0
    lease: float = 30.0
    max_attempts: int = 5
    retries: int = 0
    retry_delay: float = 1.0
    retry_on: tuple[type[BaseException], ...] = ()
    timeout: float | None = None
    max_leaked: int = 0
    ack: AckMode = AckMode.LATE
    require: Guarantee | None = None
    type_policy: TypePolicy = TypePolicy.RUN

    @property
    def most_held(self) -> int | None:
        """How many deliveries are held at most, or None when tasks are measured."""
        if self.prefetch is None:
            return None
        return self.concurrency + self.prefetch

    @property
    def limited(self) -> bool:
        """Whether something may hold the launcher back."""
        return self.rate > 0 or self.pause_on_errors > 0

    def name_of(self, setting: str, value: str = "") -> str:
        """Return how those who made the plan write a setting, for a message to them.

        Args:
            setting: A field.
            value: What to give for it; the name alone when empty.
        """
        return f"{setting}={value!s}" if value else setting

    def completed(self, task_type: str) -> "Plan":
        """Return the plan with the names that it leaves open."""
        topic = self.topic or task_type
        return attrs.evolve(
            self,
            topic=topic,
            channel=self.channel or task_type,
            dead_topic=self.dead_topic or dead_topic(topic),
        )


def guarantee_of(capabilities: Capabilities) -> Guarantee:
    """Return the strongest guarantee that a bus with these capabilities allows."""
    if not capabilities.ack:
        return Guarantee.AT_MOST_ONCE
    return Guarantee.ATOMIC if capabilities.atomic_settle else Guarantee.AT_LEAST_ONCE


def demand(
    wanted: Guarantee, capabilities: Capabilities, bus: str, said: str = ""
) -> None:
    """Refuse to start on a bus that cannot keep what is wanted.

    Args:
        wanted: What it must promise, at least.
        capabilities, bus: What it can, and its name.
        said: How that was demanded, for the message.

    Raises:
        UnsupportedCapabilityError: It cannot.
    """
    order = list(Guarantee)
    given = guarantee_of(capabilities)
    if order.index(given) < order.index(wanted):
        text = f"{said or wanted}: bus '{bus}' gives {given} as it is used here"
        raise UnsupportedCapabilityError(text)


def start_line(plan: Plan, worker: str, slots: str, bus: Bus) -> str:
    """Say in one line what is done, and what is promised.

    Args:
        plan: What is done; complete.
        worker: The worker's name.
        slots: What the slots are made of.
        bus: What carries the tasks.
    """
    can, prefix = bus.capabilities, getattr(bus, "prefix", "")
    channel = f" by channel {plan.channel}" if can.channels else ""
    count = f"{plan.concurrency} {slots} slot{'' if plan.concurrency == 1 else 's'}"
    facts = (
        f"worker {worker} on bus {bus.name}: reads topic {prefix}{plan.topic}{channel}",
        f" and sends done tasks to {prefix}{plan.done_topic}; {count}",
        "" if plan.prefetch is None else f", prefetch {plan.prefetch}",
        f", at most {_per(plan.rate)}" if plan.rate else "",
        f", timeout {_span(plan.timeout)}" if plan.timeout is not None else "",
        f"; {_MEANING[guarantee_of(can)]}",
        f" after {_span(plan.lease)}" if can.lease and can.ack else "",
    )
    return "".join(facts)


def _per(rate: float) -> str:
    """Write a rate by the unit in which it is a whole number, if there is one."""
    for unit, seconds in _SECONDS.items():
        if round(rate * seconds, 6).is_integer():
            return f"{rate * seconds:,.0f}/{unit}"
    return f"{rate:g}/s"


def sibling_line(bus: Bus, plan: Plan) -> str:
    """Say that tasks wait on a topic that is this one but for `-` and `_`, if so."""
    if not (bus.capabilities.topics and bus.capabilities.depth):
        return ""
    sibling = plan.topic.translate({ord("-"): "_", ord("_"): "-"})
    with contextlib.suppress(BusError):  # who may not ask may still read
        if sibling != plan.topic and sibling in bus.topics():
            waiting = bus.depth(sibling, plan.channel)
            if waiting:
                wait = noun(waiting, "task waits", "tasks wait")
                return (
                    f"{waiting:,} {wait} on topic '{sibling}', and '{plan.topic}'"
                    f" is read: give {plan.name_of('topic', sibling)} if they are meant"
                )
    return ""


def _span(seconds: float) -> str:
    return format_duration(timedelta(seconds=seconds))


class Hooks(Protocol):
    """Looks up, once at the start, who listens. None: nobody, no call per task.

    The launcher does not know the plugin engine: it is handed one of these.
    """

    def observer(self, name: str) -> Callable[..., None] | None:
        """Return what tells all observers of a hook; it never raises."""

    def decider(self, name: str) -> Callable[..., Any] | None:
        """Return what asks the deciders of a hook for the first answer."""


class NoHooks:
    """The usual case: no hook plugin is installed."""

    def observer(self, name: str) -> None:
        """Return None: nobody listens."""

    def decider(self, name: str) -> None:
        """Return None: nobody decides."""
