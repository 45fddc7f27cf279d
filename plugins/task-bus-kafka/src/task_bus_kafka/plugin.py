"""The manifest: light, no client library."""

from typing import TYPE_CHECKING

import attrs

from task_bus_kafka.options import Client, KafkaOptions
from task_core.api import Bus, BusContext, BusPlugin
from task_core.api.capabilities import Capabilities
from task_core.errors import OptionError

if TYPE_CHECKING:
    from task_bus_kafka.driver import Driver

MISSING = (
    "client: the library 'confluent-kafka' is not installed;"
    " pip install 'task-bus-kafka[confluent]'"
)

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

    driver: Driver
    from task_bus_kafka.settings import Settings

    settings = Settings(options, context.lease)
    if options.client == Client.CONFLUENT:
        try:
            from task_bus_kafka.confluent_driver import ConfluentDriver
        except ImportError:
            raise OptionError([MISSING]) from None
        driver = ConfluentDriver(options, context.lease)
    else:
        from task_bus_kafka.python_driver import PythonDriver

        driver = PythonDriver(options, settings)
    return KafkaBus(options, context, capabilities_of(options), settings, driver)


kafka = BusPlugin(
    name="kafka",
    summary="Apache Kafka: consumer groups as channels, many partitions, durable.",
    options=KafkaOptions,
    capabilities=CAPABILITIES,
    open=open_kafka,
)
