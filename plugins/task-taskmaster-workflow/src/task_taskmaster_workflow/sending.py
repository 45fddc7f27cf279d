"""Sends the plan of a backload: at its rate, and on from where it was."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
from task_store import InUseError, Store, StoreError
from task_store.plans import Item, State

from task_core.api import Bus, Message, Producer, Task, encode_task
from task_taskmaster_workflow.in_flight import InFlight, done_key

AT_ONCE = 100
"""Tasks of one send."""


@attrs.frozen(kw_only=True)
class Progress:
    """How far a plan is.

    Args:
        sent, total: Tasks.
        done, failed: Those of them that are known to be; see `InFlight`.
        state: That of the plan.
    """

    sent: int
    total: int
    done: int
    failed: int
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
            key=done_key(task),
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
    total = sum(counts.values())
    return Progress(
        sent=total - counts.get(State.PLANNED, 0),
        total=total,
        done=counts.get(State.DONE, 0),
        failed=counts.get(State.FAILED, 0),
        state=found.state if found else "",
    )


def send_plan(
    store: Store,
    bus: Bus,
    plan: str,
    *,
    rate: float = 0.0,
    in_flight: InFlight | None = None,
    tell: Callable[[Progress], Any] = lambda progress: None,
    wait: Callable[[float], Any] = time.sleep,
) -> Progress:
    """Send what is left of a plan, until it is done or somebody stops it.

    Each part is marked after the bus has confirmed it: a kill in between sends that
    part again, the same to the byte. What ends it early leaves it
    paused. One sender at a time: a second one is refused.

    Args:
        store: Where the plan is.
        bus: Where tasks go.
        plan: Its id.
        rate: Tasks a second; as fast as it goes when 0.
        in_flight: Says how many may be sent; then it goes on until all are done.
        tell: Called after each part.
        wait: Sleeps.

    Raises:
        InUseError: Another process sends it, or has taken over after a long silence,
            as that of a machine that slept.
        BusError: A part cannot be sent; what was sent is marked.
    """
    size = min(AT_ONCE, max(1, int(rate / 10))) if rate else AT_ONCE
    with store.alone(alone_name(plan)) as alone, _paused_when_ended(store, plan):
        store.plans.change(plan, State.RUNNING, (State.PLANNED, State.PAUSED))
        producer = bus.producer()
        tell(progress_of(store, plan))
        while progress_of(store, plan).state == State.RUNNING:
            alone.check()
            most = min(size, in_flight.room) if in_flight else size
            if most > 0:
                count = _send_part(store, producer, plan, most)
                if not count:
                    store.plans.change(plan, State.SENT, (State.RUNNING,))
                    break
            elif in_flight:
                count = 0
                in_flight.look()
            progress = progress_of(store, plan)
            tell(progress)
            if rate and count and progress.sent < progress.total:
                wait(count / rate)
        if in_flight:
            _see_the_end(store, plan, in_flight, tell, alone.check)
        return progress_of(store, plan)


def alone_name(plan: str) -> str:
    """Return what there is one of for each plan: who sends it."""
    return f"backload {plan}"


@contextlib.contextmanager
def _paused_when_ended(store: Store, plan: str) -> Iterator[None]:
    """`with` it: a plan that nobody sends any more does not stay `running`."""
    try:
        yield
    except InUseError:
        raise  # another process sends it now
    except BaseException:
        with contextlib.suppress(StoreError):  # what ends it is what counts
            store.plans.change(plan, State.PAUSED, (State.RUNNING,))
        raise


def _send_part(store: Store, producer: Producer, plan: str, most: int) -> int:
    """Send the next tasks of a plan, and mark them; return how many there were."""
    items = store.plans.items(plan, State.PLANNED, limit=most)
    if items:
        producer.send([Message(item.topic, item.body) for item in items])
        store.plans.mark(plan, [item.n for item in items], State.SENT)
    return len(items)


def _see_the_end(
    store: Store,
    plan: str,
    in_flight: InFlight,
    tell: Callable[[Progress], Any],
    check: Callable[[], None],
) -> None:
    """Wait until all that was sent is done, unless somebody stops the plan."""
    while progress_of(store, plan).state == State.SENT and in_flight.count:
        check()
        in_flight.look()
        tell(progress_of(store, plan))
    if not in_flight.count:
        store.plans.change(plan, State.DONE, (State.SENT,))
    if progress_of(store, plan).state in (State.DONE, State.CANCELLED):
        in_flight.end()
