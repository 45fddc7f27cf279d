"""The embedded bus: one SQLite file, any number of processes on one machine."""

from collections.abc import Sequence

from task_bus_sqlite.consumer import SqliteConsumer
from task_bus_sqlite.database import Database
from task_bus_sqlite.errors import of_send
from task_bus_sqlite.options import ReadFrom, SqliteOptions
from task_bus_sqlite.setup import open_file
from task_bus_sqlite.topics import check_names
from task_core.api import (
    Bus,
    BusContext,
    BusError,
    Capabilities,
    ChannelState,
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

    expires_channels = True

    def __init__(
        self, options: SqliteOptions, context: BusContext, capabilities: Capabilities
    ) -> None:
        super().__init__("sqlite", capabilities, lease=context.lease)
        patience = options.patience.total_seconds()
        self._file = open_file(
            options.path, options.sync.value, patience, create=context.create
        )
        self._database = Database(
            self._file,
            keep=options.keep.total_seconds(),
            from_start=options.from_ is ReadFrom.START,
        )

    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        """Make the channel, which stays when the consumer is gone."""
        check_names(topic, channel)
        return SqliteConsumer(self, topic, channel, self._database, temporary)

    def _producer(self) -> Producer:
        return SqliteProducer(self, self._database)

    def _topics(self) -> Sequence[str]:
        self._file.check()
        return self._database.topics.names()

    def _depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included."""
        check_names(topic, channel)
        self._file.check()
        with self._file.one_moment():
            return self._database.channels.depth(topic, channel)

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        check_names(topic)
        self._file.check()
        with self._file.one_moment():
            return self._database.channels.states(topic)

    def _peek(self, topic: str, limit: int) -> Sequence[bytes]:
        check_names(topic)
        self._file.check()
        return self._database.topics.bodies(topic, limit)

    def _forget(self, topic: str, channel: str) -> None:
        check_names(topic, channel)
        self._file.check()
        self._database.channels.forget(topic, channel)

    def _ping(self) -> None:
        """Read from the file, and see whether it is still where it was."""
        self._file.check()
        self._file.read("SELECT 1 FROM topics")

    def _close(self) -> None:
        self._file.close()


class SqliteProducer(Producer):
    """Writes to topics.

    Args:
        bus: The bus that made it.
        database: Where to.
    """

    def __init__(self, bus: Bus, database: Database) -> None:
        super().__init__(bus)
        self._database = database

    def _send(self, messages: Sequence[Message]) -> None:
        """Send all messages in one transaction: all of them arrive or none."""
        try:
            if self._database.tidying.due():
                self._database.tidying.run()
            topics, file = self._database.topics, self._database.file
            if len(messages) == 1 and topics.append_one(messages[0], file.change):
                return  # a statement is a transaction by itself
            with file.transaction:
                topics.append(messages)
        except BusError as error:
            raise of_send(error, messages) from None
