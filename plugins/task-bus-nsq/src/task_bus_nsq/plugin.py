"""The manifest: light, so that help and lists cost nothing."""

from task_bus_nsq.options import NsqOptions
from task_core.api import Bus, BusContext, BusPlugin, Capabilities


def open_nsq(options: NsqOptions, context: BusContext) -> Bus:
    """Check the options, and make the bus; it connects when it is used."""
    from task_bus_nsq.bus import make_bus

    return make_bus(options, context, nsq.capabilities)


nsq = BusPlugin(
    name="nsq",
    summary="NSQ: at least once, lazily, over one nsqd or many.",
    options=NsqOptions,
    capabilities=Capabilities(
        ack=True,
        nack=True,
        nack_delay=True,
        lease=True,
        channels=True,
        retains=True,
        delay=True,
        batch_send=True,
        durable=True,
        depth=True,
        topics=True,
        attempts=True,
        max_bytes=1_048_576,
    ),
    open=open_nsq,
)
