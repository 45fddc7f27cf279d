"""Sends the plan of a backload: at its rate, and on from where it was."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from task_store import Store, key_of
from task_store.plans import Item, State

from task_core.api import Bus, Message, Task, encode_task

AT_ONCE = 100
"""Tasks of one send."""


@attrs.frozen(kw_only=True)
class Progress:
    """How far a plan is.

    Args:
        sent, total: Tasks.
        state: That of the plan.
    """

    sent: int
    total: int
    state: str


def save_plan(
    store: Store, plan: str, parameters: str, tasks: Sequence[Task], who: str
) -> None:
    """Write a plan down: from here on it is these tasks, to the byte.

    Args:
        store: Where.
        plan: Its id.
        parameters: What was asked for.
        tasks: Its tasks, in their order.
        who: Who asked.
    """
    items = [
        Item(
            n=number,
            key=key_of("backload", plan, str(number)),
            topic=task.type,
            body=encode_task(task),
        )
        for number, task in enumerate(tasks)
    ]
    store.plans.make(plan, parameters, items, who)


def progress_of(store: Store, plan: str) -> Progress:
    """Return how far a plan is."""
    counts = store.plans.counts(plan)
    found = store.plans.get(plan)
    sent = counts.get(State.SENT, 0) + counts.get(State.DONE, 0)
    state = found.state if found else ""
    return Progress(sent=sent, total=sum(counts.values()), state=state)


def send_plan(
    store: Store,
    bus: Bus,
    plan: str,
    *,
    rate: float = 0.0,
    tell: Callable[[Progress], Any] = lambda progress: None,
    wait: Callable[[float], Any] = time.sleep,
) -> Progress:
    """Send what is left of a plan, until it is done or somebody stops it.

    Each part is marked after the bus has confirmed it: a kill in between sends that
    part again, the same to the byte. One sender at a time: a second one is refused.

    Args:
        store: Where the plan is.
        bus: Where tasks go.
        plan: Its id.
        rate: Tasks a second; as fast as it goes when 0.
        tell: Called after each part.
        wait: Sleeps.

    Raises:
        InUseError: Another process sends it.
        BusError: A part cannot be sent; what was sent is marked.
    """
    size = min(AT_ONCE, max(1, int(rate / 10))) if rate else AT_ONCE
    with store.alone(f"backload {plan}"):
        store.plans.change(plan, State.RUNNING, (State.PLANNED, State.PAUSED))
        producer = bus.producer()
        tell(progress_of(store, plan))
        while progress_of(store, plan).state == State.RUNNING:
            items = store.plans.items(plan, State.PLANNED, limit=size)
            if not items:
                store.plans.change(plan, State.SENT, (State.RUNNING,))
                break
            producer.send([Message(item.topic, item.body) for item in items])
            store.plans.mark(plan, [item.n for item in items], State.SENT)
            progress = progress_of(store, plan)
            tell(progress)
            if rate and progress.sent < progress.total:
                wait(len(items) / rate)
        return progress_of(store, plan)
