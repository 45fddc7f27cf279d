"""The embedded bus: one SQLite file, any number of processes on one machine."""

from collections.abc import Sequence

from task_bus_sqlite.channel import Channel
from task_bus_sqlite.channels import depth_of, open_channel
from task_bus_sqlite.consumer import SqliteConsumer
from task_bus_sqlite.file import SqliteFile
from task_bus_sqlite.options import ReadFrom, SqliteOptions
from task_bus_sqlite.retention import Retention
from task_bus_sqlite.setup import open_file
from task_bus_sqlite.topics import Topics
from task_core.api.bus import Bus, BusContext, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery, Message
from task_core.api.refusals import check_messages
from task_core.errors import (
    BusClosedError,
    BusConnectionError,
    BusError,
    LeaseLostError,
    PayloadError,
    SendError,
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
        super().__init__("sqlite", capabilities)
        self._lease = context.lease
        self._keep = options.keep.total_seconds()
        self._from_start = options.from_ is ReadFrom.START
        patience = options.patience.total_seconds()
        self._file = open_file(options.path, options.sync.value, patience)
        self._topics = Topics(self._file)
        self._open: list[Consumer | Producer] = []

    def subscribe(self, topic: str, channel: str) -> SqliteConsumer:
        """Start to read a topic; its channel stays when the consumer is gone."""
        self.check_open()
        topic_id = self._topics.id_of(topic)
        channel_id = open_channel(
            self._file, self._topics, topic_id, channel, self._from_start
        )
        consumer = SqliteConsumer(
            self,
            topic,
            channel,
            Channel(self._file, topic_id, channel_id, self._lease),
            Retention(self._file, topic_id, channel_id, self._keep),
            self._topics,
        )
        self._open.append(consumer)
        return consumer

    def producer(self) -> "SqliteProducer":
        """Return a new producer."""
        self.check_open()
        producer = SqliteProducer(self, self._file, self._topics)
        self._open.append(producer)
        return producer

    def settle(
        self,
        consumer: Consumer,
        deliveries: Sequence[Delivery],
        messages: Sequence[Message],
    ) -> None:
        """Send and acknowledge in one transaction: both happen or neither.

        Raises:
            LeaseLostError: Others have some of these deliveries; nothing was done.
                Leave those out, with what they produced, and settle again.
            SendError: The file could not be written; nothing was done.
        """
        self.check_open()
        assert isinstance(consumer, SqliteConsumer)
        check_messages(self, messages)
        try:
            consumer.settle(deliveries, messages)
        except BusError as error:
            raise _of_send(error, messages) from None

    def topics(self) -> Sequence[str]:
        """Return the names of the topics, sorted."""
        self.check_open()
        return self._topics.names()

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included."""
        self.check_open()
        found = self._topics.find(topic)
        if found is None:
            return 0
        return depth_of(self._file, self._topics, found, channel)

    def peek(self, topic: str, limit: int) -> Sequence[bytes]:
        """Return what is kept of a topic, oldest first, and take nothing."""
        self.check_open()
        return self._topics.bodies(topic, limit)

    def ping(self) -> None:
        """Read from the file, and see whether it is still where it was."""
        self.check_open()
        self._file.check()

    def close(self) -> None:
        """Give back what is unsettled and close the file; may be repeated."""
        if not self.closed:
            self.closed = True
            while self._open:
                self._open.pop().close()
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

    def send(self, messages: Sequence[Message]) -> None:
        """Send all messages in one transaction: all of them arrive or none."""
        self.check_open()
        check_messages(self.bus, messages)
        try:
            self._topics.resolve(messages)
            with self._file.transaction:
                self._topics.append(messages)
        except BusError as error:
            raise _of_send(error, messages) from None

    def close(self) -> None:
        """Stop writing; may be repeated."""
        self.closed = True


def _of_send(error: BusError, messages: Sequence[Message]) -> BusError:
    """Return the error that tells the caller which messages were not sent: all."""
    if not messages or isinstance(
        error, LeaseLostError | PayloadError | BusClosedError
    ):
        return error
    passing = isinstance(error, BusConnectionError)
    return SendError(str(error), range(len(messages)), transient=passing)
