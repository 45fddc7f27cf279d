"""The manifest of the bus. Light: `open` imports what it needs."""

from task_bus_sqlite.options import SqliteOptions
from task_core.api import Bus, BusContext, BusPlugin, Capabilities, CommandPlugin

CAPABILITIES = Capabilities(
    ack=True,
    nack=True,
    nack_delay=True,
    lease=True,
    ordered=True,
    channels=True,
    retains=True,
    delay=True,
    priority=True,
    batch_send=True,
    durable=True,
    depth=True,
    topics=True,
    peek=True,
    atomic_settle=True,
    attempts=True,
    headers=True,
)


def _open(options: SqliteOptions, context: BusContext) -> Bus:
    from task_bus_sqlite.bus import SqliteBus

    return SqliteBus(options, context, CAPABILITIES)


sqlite = BusPlugin(
    name="sqlite",
    summary="One file, no server: for all processes of one machine.",
    open=_open,
    options=SqliteOptions,
    capabilities=CAPABILITIES,
)

backup = CommandPlugin(
    name="backup-sqlite",
    summary="Copy the file of a bus sqlite while it is in use.",
    open="task_bus_sqlite.backup:make",
)
