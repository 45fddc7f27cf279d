"""The client library kafka-python."""

from task_bus_kafka.driver import Partitions, Reader, Writer
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.python_reader import PythonReader
from task_bus_kafka.python_writer import PythonWriter
from task_bus_kafka.settings import Settings


class PythonDriver:
    """Makes readers and writers.

    Args:
        options: Tell how patient to be.
        settings: Of the client.
    """

    def __init__(self, options: KafkaOptions, settings: Settings) -> None:
        self._settings = settings
        self._connect_timeout = options.connect_timeout.total_seconds()
        self._send_timeout = options.send_timeout.total_seconds()

    def reader(self, topic: str, group: str, partitions: Partitions) -> Reader:
        """Join a group."""
        return PythonReader(
            self._settings, topic, group, partitions, self._connect_timeout
        )

    def writer(self, transactional_id: str | None) -> Writer:
        """Connect to send."""
        return PythonWriter(self._settings, self._send_timeout, transactional_id)
