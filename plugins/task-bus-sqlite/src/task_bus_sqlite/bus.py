"""The embedded bus: one SQLite file, any number of processes on one machine."""

from collections.abc import Sequence

from task_bus_sqlite.channel import Channel
from task_bus_sqlite.channels import depth_of, open_channel
from task_bus_sqlite.consumer import SqliteConsumer
from task_bus_sqlite.errors import of_send
from task_bus_sqlite.file import SqliteFile
from task_bus_sqlite.options import ReadFrom, SqliteOptions
from task_bus_sqlite.retention import Retention
from task_bus_sqlite.setup import open_file
from task_bus_sqlite.topics import Topics
from task_core.api import (
    Bus,
    BusContext,
    BusError,
    Capabilities,
    Consumer,
    Message,
    Producer,
)


class SqliteBus(Bus):
    """Carries messages in one file.

    Args:
        options: See the manifest.
        context: What it is opened for.
        capabilities: Those of the manifest.

    Raises:
        BusError: The file cannot be used.
    """

    def __init__(
        self, options: SqliteOptions, context: BusContext, capabilities: Capabilities
    ) -> None:
        super().__init__("sqlite", capabilities, lease=context.lease)
        self._keep = options.keep.total_seconds()
        self._from_start = options.from_ is ReadFrom.START
        patience = options.patience.total_seconds()
        self._file = open_file(options.path, options.sync.value, patience)
        self.stored = Topics(self._file)

    def _subscribe(self, topic: str, channel: str, **hints: object) -> Consumer:
        """Make the channel, which stays when the consumer is gone."""
        topic_id = self.stored.id_of(topic)
        channel_id = open_channel(
            self._file, self.stored, topic_id, channel, self._from_start
        )
        return SqliteConsumer(
            self,
            topic,
            channel,
            Channel(self._file, topic_id, channel_id, self.lease),
            Retention(self._file, topic_id, channel_id, self._keep),
            self.stored,
        )

    def _producer(self) -> Producer:
        return SqliteProducer(self, self._file, self.stored)

    def _topics(self) -> Sequence[str]:
        return self.stored.names()

    def _depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included."""
        found = self.stored.find(topic)
        if found is None:
            return 0
        return depth_of(self._file, self.stored, found, channel)

    def _peek(self, topic: str, limit: int) -> Sequence[bytes]:
        return self.stored.bodies(topic, limit)

    def _ping(self) -> None:
        """Read from the file, and see whether it is still where it was."""
        self._file.check()

    def _close(self) -> None:
        self._file.close()


class SqliteProducer(Producer):
    """Writes to topics.

    Args:
        bus: The bus that made it.
        file: Where to.
        topics: The topics in it.
    """

    def __init__(self, bus: Bus, file: SqliteFile, topics: Topics) -> None:
        super().__init__(bus)
        self._file = file
        self._topics = topics

    def _send(self, messages: Sequence[Message]) -> None:
        """Send all messages in one transaction: all of them arrive or none."""
        try:
            self._topics.resolve(messages)
            with self._file.transaction:
                self._topics.append(messages)
        except BusError as error:
            raise of_send(error, messages) from None
