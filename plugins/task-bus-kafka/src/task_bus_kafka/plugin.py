"""The manifest: light, no client library."""

import attrs

from task_bus_kafka.options import KafkaOptions
from task_core.api import Bus, BusContext, BusPlugin
from task_core.capabilities import Capabilities

CAPABILITIES = Capabilities(
    ack=True,
    nack=True,
    nack_delay=True,
    lease=True,
    channels=True,
    delay=True,
    batch_send=True,
    durable=True,
    depth=True,
    topics=True,
    peek=True,
    attempts=True,
    headers=True,
    max_bytes=1_000_000,
)


def capabilities_of(options: KafkaOptions) -> Capabilities:
    """Return what the bus can do with these options."""
    return attrs.evolve(
        CAPABILITIES,
        ordered=options.partitions == 1,
        atomic_settle=options.transactions,
        max_bytes=options.max_bytes,
    )


def open_kafka(options: KafkaOptions, context: BusContext) -> Bus:
    """Make the bus; it connects when it is first used."""
    from task_bus_kafka.bus import KafkaBus

    return KafkaBus(options, context, capabilities_of(options))


kafka = BusPlugin(
    name="kafka",
    summary="Apache Kafka: consumer groups as channels, many partitions, durable.",
    options=KafkaOptions,
    capabilities=CAPABILITIES,
    open=open_kafka,
)
