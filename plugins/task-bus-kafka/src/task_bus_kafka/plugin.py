"""The manifest: light, no client library."""

from task_bus_kafka.options import KafkaOptions
from task_core.api import BusPlugin, Capabilities

CAPABILITIES = Capabilities(
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
    peek=True,
    attempts=True,
    headers=True,
    max_bytes=1_000_000,
)


kafka = BusPlugin(
    name="kafka",
    summary="Apache Kafka: consumer groups as channels, many partitions, durable.",
    options=KafkaOptions,
    capabilities=CAPABILITIES,
    open="task_bus_kafka.opening:open_bus",
)
