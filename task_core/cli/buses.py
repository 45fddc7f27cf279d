"""Opens the buses that a command selected."""

import sys

from task_core.api.bus import Bus, BusContext, Role
from task_core.config.selection import Chosen, Settings
from task_core.errors import (
    BusError,
    UnsupportedCapabilityError,
    UsageError,
    nearest,
)
from task_core.shown import printable

STDIN = ("stdio", "stdin")
"""Buses that read what is piped in."""


def open_bus(
    settings: Settings, stdout: int, lease: float = 30.0, stdin: int = 0
) -> Bus:
    """Open what is read and what is written: one bus, or two as a pair.

    Args:
        settings: What was selected.
        stdout: File descriptor of the data stream.
        lease: Seconds until an unsettled delivery is handed out again.
        stdin: File descriptor of what is piped in.

    Raises:
        BusError: One of them cannot be opened.
    """
    buses = settings.buses
    if "in_bus" not in buses and "out_bus" not in buses:
        return open_selected(buses["bus"], Role.BOTH, stdout, lease, stdin)
    from task_core.launcher.wrappers import BusPair

    chosen = buses.get("in_bus") or buses["bus"]
    source = open_selected(chosen, Role.IN, stdout, lease, stdin)
    try:
        target = buses.get("out_bus") or buses["bus"]
        return BusPair(source, open_selected(target, Role.OUT, stdout, lease))
    except BaseException:
        source.close()
        raise


def open_selected(
    selected: Chosen,
    role: Role,
    stdout: int,
    lease: float = 30.0,
    stdin: int = 0,
    *,
    create: bool = True,
) -> Bus:
    """Open one bus."""
    context = BusContext(
        role=role, stdout=stdout, stdin=stdin, lease=lease, create=create
    )
    bus: Bus = selected.plugin.open(selected.options, context)
    if not selected.prefix:
        return bus
    from task_core.launcher.prefix import PrefixBus  # few have one

    return PrefixBus(bus, selected.prefix)


def open_to_look(settings: Settings, role: Role = Role.IN) -> Bus:
    """Open the bus of a command that looks at what is there, and makes nothing.

    Raises:
        UsageError: Nobody named a bus, and a terminal is none.
        BusError: It cannot be opened, or is not there.
    """
    if reads_terminal(settings):
        raise UsageError(
            "which bus? Give --bus, set TASK_BUS, or write it under [task] in task.toml"
            " (stdin is a terminal: no tasks come from there)"
        )
    return open_selected(settings.buses["bus"], role, 1, create=False)


def reads_terminal(settings: Settings) -> bool:
    """Whether tasks would have to be typed in."""
    buses = settings.buses
    chosen = buses.get("in_bus") or buses["bus"]
    piped = sys.stdin is None or not sys.stdin.isatty()
    return chosen.plugin.name in STDIN and not piped


def has_topic(bus: Bus, *topics: str) -> bool:
    """Whether the first of some topics is there, as far as the bus can tell.

    Raises:
        BusError: None of them is; the text names the nearest.
    """
    if not bus.capabilities.topics:
        return True
    try:
        names = bus.topics()
    except UnsupportedCapabilityError:  # with these options it cannot tell
        return True
    if not any(topic in names for topic in topics):
        there = f"; there is {', '.join(names[:9])}" if names else "; it has none"
        hint = nearest(topics[-1], names) or there
        # Names are in one line, as in tables: those of others may hold line ends.
        text = printable(f"has no topic '{topics[-1]}'{hint}")
        raise BusError(f"bus '{bus.name}' {text}")
    return topics[0] in names
