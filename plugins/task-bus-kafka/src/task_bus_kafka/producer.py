"""Writes to topics."""

from collections.abc import Callable, Sequence

from task_bus_kafka.catalog import Catalog
from task_bus_kafka.driver import Post, Writer
from task_bus_kafka.errors import Complaints, may_pass
from task_bus_kafka.headers import pack
from task_bus_kafka.keys import key_of
from task_bus_kafka.options import Key
from task_core.api.bus import Bus, Producer, check_messages
from task_core.api.message import Message
from task_core.errors import BusClosedError, PayloadError, SendError

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
        self._closed = False

    def prepare(self, topics: Sequence[str]) -> None:
        """Make topics that are missing."""
        self._check_open()
        self._catalog.ensure(topics)

    def send(self, messages: Sequence[Message]) -> None:
        """Send, and return when all in-sync replicas have all messages."""
        self._check_open()
        check_messages(self.bus, messages)
        if not messages:
            return
        self._catalog.ensure({message.topic for message in messages})
        writer = self.writer()
        try:
            outcomes = writer.send(self.posts(writer, messages))
        except Exception as error:  # noqa: BLE001  whatever it raises
            self.drop()
            raise self._complaints.of(error, "send") from None
        self.judge(outcomes, messages)

    def writer(self) -> Writer:
        """Return the writer, connected.

        Raises:
            BusError: No broker answers, or it refuses.
        """
        self._check_open()
        if self._writer is None:
            try:
                self._writer = self._make()
            except Exception as error:  # noqa: BLE001  whatever it raises
                raise self._complaints.of(error) from None
        return self._writer

    def posts(self, writer: Writer, messages: Sequence[Message]) -> list[Post]:
        """Return messages as the writer takes them."""
        return [self._post(writer, message) for message in messages]

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

    def judge(
        self, outcomes: Sequence[Exception | None], messages: Sequence[Message]
    ) -> None:
        """Raise what tells of messages that were not confirmed."""
        unsent = [at for at, error in enumerate(outcomes) if error]
        if not unsent:
            return
        self.drop()
        first = outcomes[unsent[0]]
        assert first is not None
        error = self._complaints.of(first, f"send to '{messages[unsent[0]].topic}'")
        if isinstance(error, PayloadError) and len(unsent) == len(messages) == 1:
            raise error
        raise SendError(str(error), unsent, transient=may_pass(first))

    def drop(self) -> None:
        """Let go of a writer that failed; the next call makes another."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def close(self) -> None:
        """Stop writing; may be repeated."""
        self._closed = True
        self.drop()

    def _check_open(self) -> None:
        if self._closed:
            raise BusClosedError("bus 'kafka': this producer is closed")
