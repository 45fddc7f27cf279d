"""Stops a plan: for a while, or for ever, and then what waits for its tasks, too."""

from collections.abc import Iterable, Mapping
from typing import Any

from task_store import InUseError, Store
from task_store.plans import State

from task_core.api import CommandContext, Role, UsageError
from task_taskmaster_workflow.in_flight import place_of
from task_taskmaster_workflow.sending import alone_name, progress_of

AT_WORK = (State.PLANNED, State.RUNNING, State.PAUSED)
"""States of a plan of which something is left to send."""


def pause(
    context: CommandContext, store: Store, plan: str, words: Mapping[str, Any]
) -> list[str]:
    """Stop a plan until it is sent again; return what to tell.

    Args:
        context: Opens the bus; it needs none.
        store: Where the plan is.
        plan: Its id.
        words: What the command line says.

    Raises:
        UsageError: There is nothing left to send.
    """
    _change(store, plan, State.PAUSED, AT_WORK)
    return [f"plan {plan} is paused"]


def cancel(
    context: CommandContext, store: Store, plan: str, words: Mapping[str, Any]
) -> list[str]:
    """Stop a plan for ever, with what waits for its tasks; return what to tell.

    With a bus its channel is deleted, on which done tasks gather for whoever sends it
    with --max-in-flight. Without one nobody knows whether there is one.

    Args:
        context: Opens the bus.
        store: Where the plan is.
        plan: Its id.
        words: What the command line says.

    Raises:
        UsageError: All of it is done, or it was cancelled before.
        BusError: The channel cannot be deleted.
    """
    url, topic = words["url"], words["done_topic"]
    again = (State.CANCELLED,) if url else ()
    before = progress_of(store, plan)
    _change(store, plan, State.CANCELLED, (*AT_WORK, State.SENT, *again))
    sent = f": {before.sent} of {before.total} are sent" if before.sent else ""
    told = [f"plan {plan} is cancelled{sent}"]
    if url:
        _forget(context, store, plan, url, topic)
    elif before.state != State.PLANNED:
        text = "if it was sent with --max-in-flight, done tasks gather for it"
        told.append(f"{text}: the same with --bus URL puts an end to that")
    return told


def _change(store: Store, plan: str, state: State, before: Iterable[State]) -> None:
    if not store.plans.change(plan, state, before):
        raise UsageError(f"plan {plan} is {progress_of(store, plan).state}")


def _forget(
    context: CommandContext, store: Store, plan: str, url: str, topic: str
) -> None:
    """Delete the channel of a plan; who is sending it does so when it ends."""
    bus = context.open_bus(url, role=Role.BOTH)
    try:
        if bus.capabilities.channels:
            with store.alone(alone_name(plan)):
                bus.forget(*place_of(plan, topic))
    except InUseError:
        pass
    finally:
        bus.close()
