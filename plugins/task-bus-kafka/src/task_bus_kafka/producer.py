"""Writes to topics."""

from collections.abc import Callable, Sequence

from task_bus_kafka.admin import Admin
from task_bus_kafka.driver import Outcomes, Outgoing, Writer
from task_bus_kafka.errors import Errors, may_pass
from task_bus_kafka.headers import pack
from task_bus_kafka.keys import key_of
from task_bus_kafka.options import Key
from task_core.api import Bus, Message, PayloadError, Producer, SendError

Act = Callable[[Writer, list[Outgoing]], Outcomes]
TURN = 50
"""Messages without a key that go to one partition in a row."""


class KafkaProducer(Producer):
    """Sends messages.

    Args:
        bus: The bus that made it.
        make: Makes the writer, when it is first needed and after it failed.
        admin: Makes missing topics.
        errors: Words what goes wrong.
        key: What keeps messages in order that have no key of their own.
    """

    def __init__(
        self,
        bus: Bus,
        make: Callable[[], Writer],
        admin: Admin,
        errors: Errors,
        key: Key,
    ) -> None:
        super().__init__(bus)
        self._make = make
        self._admin = admin
        self._errors = errors
        self._key = key
        self._writer: Writer | None = None
        self._turn = 0

    def _prepare(self, topics: Sequence[str]) -> None:
        """Make topics that are missing."""
        self._admin.ensure(topics)

    def _send(self, messages: Sequence[Message]) -> None:
        """Send, and return when all in-sync replicas have all messages."""
        self.send_with(messages, lambda writer, outgoing: writer.send(outgoing))

    def send_with(self, messages: Sequence[Message], act: Act) -> None:
        """Do something that sends messages.

        Raises:
            BusError: As `send` does.
        """
        self._admin.ensure({message.topic for message in messages})
        writer = self._connected()
        try:
            outgoing = [self._outgoing(writer, message) for message in messages]
            outcomes = act(writer, outgoing)
        except Exception as error:  # noqa: BLE001  whatever it raises
            self._drop()
            line = str(self._errors.of(error, "send"))
            raise SendError(
                line, range(len(messages)), transient=may_pass(error)
            ) from None
        self._judge(outcomes, messages)

    def _connected(self) -> Writer:
        if self._writer is None:
            try:
                self._writer = self._make()
            except Exception as error:  # noqa: BLE001  whatever it raises
                raise self._errors.of(error) from None
        return self._writer

    def _outgoing(self, writer: Writer, message: Message) -> Outgoing:
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
        return Outgoing(message.topic, message.body, key, partition, headers)

    def _judge(self, outcomes: Outcomes, messages: Sequence[Message]) -> None:
        """Raise what tells of messages that were not confirmed."""
        unsent = [at for at, error in enumerate(outcomes) if error]
        if not unsent:
            return
        self._drop()
        first = outcomes[unsent[0]]
        assert first is not None
        error = self._errors.of(first, f"send to '{messages[unsent[0]].topic}'")
        if isinstance(error, PayloadError) and len(unsent) == len(messages) == 1:
            raise error
        raise SendError(str(error), unsent, transient=may_pass(first))

    def _drop(self) -> None:
        """Let go of a writer that failed; the next call makes another."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _close(self) -> None:
        self._drop()
