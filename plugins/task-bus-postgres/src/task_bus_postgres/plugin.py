"""The manifests of the plugin. Light: `open` imports what it needs."""

import attrs

from task_bus_postgres.options import PostgresOptions
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
    outbox=True,
    attempts=True,
    headers=True,
)


def _open(options: PostgresOptions, context: BusContext) -> Bus:
    from task_bus_postgres.bus import PostgresBus

    return PostgresBus(
        options, context, attrs.evolve(CAPABILITIES, max_bytes=options.max_bytes)
    )


postgres = BusPlugin(
    name="postgres",
    summary="Tables in PostgreSQL, settled in one statement.",
    options=PostgresOptions,
    capabilities=CAPABILITIES,
    open=_open,
)
postgresql = attrs.evolve(
    postgres, name="postgresql", summary="The bus postgres by its longer name."
)

command = CommandPlugin(
    name="postgres",
    summary="Print the SQL that makes the tables of a bus postgres.",
    open="task_bus_postgres.command:make",
)
