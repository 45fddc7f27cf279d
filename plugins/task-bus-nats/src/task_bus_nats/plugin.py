"""The manifest of the bus. Light: `open` imports what it needs."""

from task_bus_nats.options import NatsOptions
from task_core.api import Bus, BusContext, BusPlugin, Capabilities

CAPABILITIES = Capabilities(
    ack=True,
    nack=True,
    nack_delay=True,
    lease=True,
    ordered=True,
    channels=True,
    retains=True,
    delay=True,
    batch_send=True,
    durable=True,
    depth=True,
    topics=True,
    peek=True,
    attempts=True,
    headers=True,
)


def _open(options: NatsOptions, context: BusContext) -> Bus:
    from task_bus_nats.bus import make_bus

    return make_bus(options, context, CAPABILITIES)


nats = BusPlugin(
    name="nats",
    summary="NATS JetStream: a stream for each topic.",
    options=NatsOptions,
    capabilities=CAPABILITIES,
    open=_open,
)
