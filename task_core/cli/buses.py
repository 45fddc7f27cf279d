"""Opens the buses that a command selected."""

from task_core.api.bus import Bus, BusContext, Role
from task_core.cli.selection import Chosen, Settings
from task_core.runtime.pair import BusPair


def open_bus(settings: Settings, stdout: int, lease: float = 30.0) -> Bus:
    """Open what is read and what is written: one bus, or two as a pair.

    Args:
        settings: What was selected.
        stdout: File descriptor of the data stream.
        lease: Seconds until an unsettled delivery is handed out again.

    Raises:
        BusError: One of them cannot be opened.
    """
    buses = settings.buses
    if "in_bus" not in buses and "out_bus" not in buses:
        return open_selected(buses["bus"], Role.BOTH, stdout, lease)
    source = open_selected(buses.get("in_bus") or buses["bus"], Role.IN, stdout, lease)
    try:
        target = buses.get("out_bus") or buses["bus"]
        return BusPair(source, open_selected(target, Role.OUT, stdout, lease))
    except BaseException:
        source.close()
        raise


def open_selected(
    selected: Chosen, role: Role, stdout: int, lease: float = 30.0
) -> Bus:
    """Open one bus."""
    context = BusContext(role=role, stdout=stdout, lease=lease)
    bus: Bus = selected.plugin.open(selected.options, context)
    return bus
