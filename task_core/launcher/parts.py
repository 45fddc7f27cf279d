"""What a launcher works with, put together by `make_launcher`."""

import logging

import attrs

from task_core.api.bus import Bus
from task_core.clock import Clock
from task_core.launcher.context import Call, SharedContext
from task_core.launcher.handover import Handover, Slots, ThreadSlots
from task_core.launcher.in_flight import InFlight, Window
from task_core.launcher.inbox import Inbox
from task_core.launcher.outbox import Outbox
from task_core.launcher.plan import Hooks
from task_core.launcher.quarantine import Quarantine
from task_core.launcher.run import make_run
from task_core.launcher.stats import Stats
from task_core.launcher.stop import Cancel, Stop


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Parts:
    """What a launcher works with.

    Args:
        bus: What carries the tasks.
        inbox: Decodes.
        in_flight: Holds what has no outcome.
        outbox: Settles what has.
        quarantine: Holds back what may kill.
        slots: Run.
        handover: Where the bus thread and the slots meet.
        window: How many tasks may be in flight.
        cancel: Tells the workers to stop early.
        stop: Tells whether somebody wants the end.
        stats: What is counted.
        clock, hooks, log: As everywhere.
    """

    bus: Bus
    inbox: Inbox
    in_flight: InFlight
    outbox: Outbox
    quarantine: Quarantine
    slots: Slots
    handover: Handover
    window: Window
    cancel: Cancel
    stop: Stop
    stats: Stats
    clock: Clock
    hooks: Hooks
    log: logging.Logger


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
        return ThreadSlots(count, make_run(call, shared, clock, hooks), handover)
    # Only for those who have one: asyncio is half of a start.
    from task_core.launcher import coroutines  # noqa: PLC0415

    return coroutines.make_slots(count, call, handover, shared, clock, hooks)
