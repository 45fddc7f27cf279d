"""What a launcher promises, as the capabilities of its bus allow."""

from enum import StrEnum

from task_core.api.capabilities import Capabilities
from task_core.errors import UnsupportedCapabilityError


class Guarantee(StrEnum):
    """How safe a task is when its worker is killed, from the weakest on."""

    AT_MOST_ONCE = "at-most-once"
    AT_LEAST_ONCE = "at-least-once"
    ATOMIC = "atomic"
    """At least once, and the done task and the acknowledgement are one step."""


_MEANING = {
    Guarantee.AT_MOST_ONCE: "at most once: a task is lost if its worker is killed",
    Guarantee.AT_LEAST_ONCE: "at least once",
    Guarantee.ATOMIC: "at least once, settled atomically",
}


def guarantee_of(capabilities: Capabilities) -> Guarantee:
    """Return the strongest guarantee that a bus with these capabilities allows."""
    if not capabilities.ack:
        return Guarantee.AT_MOST_ONCE
    return Guarantee.ATOMIC if capabilities.atomic_settle else Guarantee.AT_LEAST_ONCE


def meaning(guarantee: Guarantee) -> str:
    """Say a guarantee in words."""
    return _MEANING[guarantee]


def demand(wanted: Guarantee, capabilities: Capabilities, bus: str) -> None:
    """Refuse to start on a bus that cannot keep what is wanted.

    Raises:
        UnsupportedCapabilityError: It cannot.
    """
    order = list(Guarantee)
    given = guarantee_of(capabilities)
    if order.index(given) < order.index(wanted):
        text = f"--require {wanted}: bus '{bus}' gives {given} as it is used here"
        raise UnsupportedCapabilityError(text)
