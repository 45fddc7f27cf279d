"""Writes to topics."""

from collections.abc import Callable, Sequence

from task_bus_kafka.catalog import Catalog
from task_bus_kafka.driver import Post, Writer
from task_bus_kafka.errors import Complaints, may_pass
from task_bus_kafka.headers import pack
from task_bus_kafka.keys import key_of
from task_bus_kafka.options import Key
from task_core.api import Bus, Producer, check_messages
from task_core.api.message import Message
from task_core.errors import PayloadError, SendError

Act = Callable[[Writer, list[Post]], list[Exception | None]]
TURN = 50
"""Messages without a key that go to one partition in a row."""


class KafkaProducer(Producer):
    """Sends messages.

    Args:
        bus: The bus that made it.
        make: Makes the writer, when it is first needed and after it failed.
        catalog: Makes missing topics.
        complaints: Words what goes wrong.
        key: What keeps messages in order that have no key of their own.
    """

    def __init__(
        self,
        bus: Bus,
        make: Callable[[], Writer],
        catalog: Catalog,
        complaints: Complaints,
        key: Key,
    ) -> None:
        super().__init__(bus)
        self._make = make
        self._catalog = catalog
        self._complaints = complaints
        self._key = key
        self._writer: Writer | None = None
        self._turn = 0

    def prepare(self, topics: Sequence[str]) -> None:
        """Make topics that are missing."""
        self.check_open()
        self._catalog.ensure(topics)

    def send(self, messages: Sequence[Message]) -> None:
        """Send, and return when all in-sync replicas have all messages."""
        if messages:
            self.send_with(messages, lambda writer, posts: writer.send(posts))

    def send_with(self, messages: Sequence[Message], act: Act) -> None:
        """Do something that sends messages.

        Raises:
            BusError: As `send` does.
        """
        self.check_open()
        check_messages(self.bus, messages)
        self._catalog.ensure({message.topic for message in messages})
        writer = self._connected()
        try:
            posts = [self._post(writer, message) for message in messages]
            outcomes = act(writer, posts)
        except Exception as error:  # noqa: BLE001  whatever it raises
            self._drop()
            line = str(self._complaints.of(error, "send"))
            raise SendError(
                line, range(len(messages)), transient=may_pass(error)
            ) from None
        self._judge(outcomes, messages)

    def _connected(self) -> Writer:
        if self._writer is None:
            try:
                self._writer = self._make()
            except Exception as error:  # noqa: BLE001  whatever it raises
                raise self._complaints.of(error) from None
        return self._writer

    def _post(self, writer: Writer, message: Message) -> Post:
        if message.key is not None:
            key: bytes | None = message.key.encode()
        else:
            key = key_of(message.body, self._key)
        partition = None
        if key is None:
            partitions = writer.partitions(message.topic)
            partition = partitions[self._turn // TURN % len(partitions)]
            self._turn += 1
        headers = []
        if message.headers or message.delay > 0:
            headers = pack(message.headers, message.delay)
        return Post(message.topic, message.body, key, partition, headers)

    def _judge(
        self, outcomes: Sequence[Exception | None], messages: Sequence[Message]
    ) -> None:
        """Raise what tells of messages that were not confirmed."""
        unsent = [at for at, error in enumerate(outcomes) if error]
        if not unsent:
            return
        self._drop()
        first = outcomes[unsent[0]]
        assert first is not None
        error = self._complaints.of(first, f"send to '{messages[unsent[0]].topic}'")
        if isinstance(error, PayloadError) and len(unsent) == len(messages) == 1:
            raise error
        raise SendError(str(error), unsent, transient=may_pass(first))

    def _drop(self) -> None:
        """Let go of a writer that failed; the next call makes another."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def close(self) -> None:
        """Stop writing; may be repeated."""
        self.closed = True
        self._drop()
