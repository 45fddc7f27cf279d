"""Opens the bus, with the client library that was chosen."""

from task_bus_kafka.bus import KafkaBus
from task_bus_kafka.driver import Driver
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.plugin import CAPABILITIES
from task_bus_kafka.python_reader import PythonReader
from task_bus_kafka.python_writer import PythonWriter
from task_bus_kafka.settings import Settings
from task_core.api import Bus, BusContext, OptionError

MISSING = (
    "client: the library 'confluent-kafka' is not installed;"
    " pip install 'task-bus-kafka[confluent]'"
)


def open_bus(options: KafkaOptions, context: BusContext) -> Bus:
    """Make the bus; it connects when it is first used.

    Raises:
        OptionError: Options are wrong, or the client library is missing.
    """
    settings = Settings(options, context.lease)
    driver = make_driver(options, settings, context.lease)
    return KafkaBus(options, context, CAPABILITIES, settings, driver)


def make_driver(options: KafkaOptions, settings: Settings, lease: float) -> Driver:
    """Return what makes readers and writers with the client library of the options."""
    patience = (
        options.connect_timeout.total_seconds(),
        options.send_timeout.total_seconds(),
    )
    if options.client == Client.PYTHON:
        return Driver(settings, PythonReader, PythonWriter, *patience)
    try:
        from task_bus_kafka.confluent_reader import ConfluentReader
        from task_bus_kafka.confluent_settings import ConfluentSettings
        from task_bus_kafka.confluent_writer import ConfluentWriter
    except ImportError:
        raise OptionError([MISSING]) from None
    return Driver(
        ConfluentSettings(options, lease), ConfluentReader, ConfluentWriter, *patience
    )
