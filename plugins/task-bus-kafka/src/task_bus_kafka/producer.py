"""Writes to topics."""

from collections.abc import Callable, Sequence
from functools import cache
from random import randrange
from typing import NoReturn

from task_bus_kafka.admin import Admin
from task_bus_kafka.driver import Outcomes, Writer
from task_bus_kafka.errors import Errors, is_refusal, may_pass
from task_bus_kafka.headers import pack
from task_bus_kafka.keys import key_of
from task_bus_kafka.limits import Limits
from task_bus_kafka.names import LONGEST, kafka_topic, name_problem
from task_bus_kafka.options import KafkaOptions, compresses
from task_bus_kafka.records import Outgoing
from task_core.api import Bus, BusError, Message, PayloadError, Producer, SendError

Act = Callable[[Writer, list[Outgoing]], Outcomes]
TURN = 20
"""Messages without a key that go to one partition in a row, at most."""


class KafkaProducer(Producer):
    """Sends messages.

    Args:
        bus: The bus that made it.
        make: Makes the writer, when it is first needed and after it failed.
        admin: Makes missing topics.
        errors: Words what goes wrong.
        options: Tell what keeps messages in order that have no key of their own.
    """

    def __init__(
        self,
        bus: Bus,
        make: Callable[[], Writer],
        admin: Admin,
        errors: Errors,
        options: KafkaOptions,
    ) -> None:
        super().__init__(bus)
        self._make = make
        self._admin = admin
        self._errors = errors
        self._key = options.key
        self._limits = Limits(admin.limits, plain=not compresses(options))
        self._writer: Writer | None = None
        self._known: set[str] = set()  # topics that can be sent to
        self._turn = randrange(1_000_000)  # many programs send little, and end

    def _prepare(self, topics: Sequence[str]) -> None:
        """Make topics that are missing."""
        self._admin.ensure(topics)

    def _send(self, messages: Sequence[Message]) -> None:
        """Send, and return when all in-sync replicas have all messages."""
        self._know_topics(messages)
        outgoing, outcomes = self._act(messages, _send)
        if any(outcomes):
            self._drop()
            self._sort_out(outgoing, outcomes)

    def transact(self, messages: Sequence[Message], act: Act, probe: Act) -> None:
        """Do something that sends all messages or none.

        Args:
            messages: What to send.
            act: Does it; what its outcomes leave out was not tried.
            probe: Sends messages and takes them back, to see what brokers refuse.

        Raises:
            BusError: As `send` does.
        """
        self._know_topics(messages)
        outgoing, outcomes = self._act(messages, act)
        refused = _refused(outcomes)
        if refused and len(messages) > 1:
            # What is said of the others is only that the transaction is lost.
            self._drop()
            outcomes = self._one_by_one(messages, act, probe)
            if not any(outcomes):
                self._limits.narrow([outgoing[at] for at in refused])
        if any(outcomes):
            self._drop()
            self._fail(outgoing, outcomes)

    def _know_topics(self, messages: Sequence[Message]) -> None:
        if new := {message.topic for message in messages} - self._known:
            self._learn(new, messages)

    def _learn(self, topics: set[str], messages: Sequence[Message]) -> None:
        """Make topics that are missing; refuse those that there cannot be."""
        if bad := {topic: text for topic in topics if (text := name_problem(topic))}:
            refused = [at for at, one in enumerate(messages) if one.topic in bad]
            raise PayloadError(
                f"bus 'kafka': {bad[messages[refused[0]].topic]}", refused
            )
        self._admin.ensure(topics)
        self._limits.learn(map(kafka_topic, topics))
        self._known |= topics

    def _act(
        self, messages: Sequence[Message], act: Act, *, one_by_one: bool = False
    ) -> tuple[list[Outgoing], Outcomes]:
        writer = self._connected()
        try:
            self._turn += TURN  # small batches spread, too
            partitions_of = cache(
                writer.partitions
            )  # there are as many for all of them
            outgoing = [self._outgoing(message, partitions_of) for message in messages]
            writer.largest = 1 if one_by_one else self._limits.largest(outgoing)
            return outgoing, act(writer, outgoing)
        except PayloadError:  # and nothing was sent
            raise
        except Exception as error:  # noqa: BLE001  whatever it raises
            self._drop()
            line = str(self._errors.of(error, "send"))
            raise SendError(
                line, range(len(messages)), transient=may_pass(error)
            ) from None

    def _connected(self) -> Writer:
        if self._writer is None:
            try:
                self._writer = self._make()
            except Exception as error:  # noqa: BLE001  whatever it raises
                raise self._errors.of(error) from None
        return self._writer

    def _outgoing(
        self, message: Message, partitions_of: Callable[[str], Sequence[int]]
    ) -> Outgoing:
        topic = message.topic
        if len(topic) > LONGEST:
            topic = kafka_topic(topic)
        if message.key is not None:
            key: bytes | None = message.key.encode()
        else:
            key = key_of(message.body, self._key)
        partition = None
        if key is None:
            partitions = partitions_of(topic)
            partition = partitions[self._turn // TURN % len(partitions)]
            self._turn += 1
        headers = []
        if message.headers or message.delay > 0:
            headers = pack(message.headers, message.delay)
        return Outgoing(topic, message.body, key, partition, headers)

    def _sort_out(self, outgoing: list[Outgoing], outcomes: Outcomes) -> None:
        """Try each that was refused alone: what is too long may have been its batch.

        Raises:
            PayloadError: Brokers will never take some of them.
            SendError: Some were not confirmed, but may be another time.
        """
        alone = list(outcomes)
        refused = _refused(outcomes)
        for at in refused if len(outgoing) > 1 else ():
            alone[at] = found = self._try(outgoing[at])
            if found and may_pass(found):  # so it would be with the others
                alone[at + 1 :] = [one and found for one in outcomes[at + 1 :]]
                break
        if any(alone):
            self._fail(outgoing, alone)
        self._limits.narrow([outgoing[at] for at in refused])

    def _try(self, message: Outgoing) -> Exception | None:
        outcome: Exception | None
        try:
            (outcome,) = self._connected().send([message])
        except Exception as error:  # noqa: BLE001  whatever it raises
            outcome = error
        if outcome is not None:
            self._drop()
        return outcome

    def _one_by_one(
        self, messages: Sequence[Message], act: Act, probe: Act
    ) -> Outcomes:
        """Do it, each message sent alone; if one is refused, find the others that are.

        Something else takes the place of each: so it is done with the next try.
        """
        _, outcomes = self._act(messages, act, one_by_one=True)
        while len(outcomes) < len(messages) and (last := outcomes[-1]):
            self._drop()
            if not is_refusal(last):
                break
            try:
                rest = messages[len(outcomes) :]
                outcomes += self._act(rest, probe, one_by_one=True)[1]
            except BusError:  # what is known counts; the next try tells of this
                break
        return outcomes

    def _fail(self, outgoing: list[Outgoing], outcomes: Outcomes) -> NoReturn:
        """Raise what tells of messages that were not confirmed.

        Raises:
            PayloadError: Brokers will never take some of them.
            SendError: It may be another time.
        """
        failed = {at: error for at, error in enumerate(outcomes) if error}
        refused = _refused(outcomes)
        first = next(iter(refused or failed))
        line = str(self._errors.of(failed[first], f"send to '{outgoing[first].topic}'"))
        if refused:
            raise PayloadError(line, refused)
        raise SendError(line, list(failed), transient=may_pass(failed[first]))

    def _drop(self) -> None:
        """Let go of a writer that failed; the next call makes another."""
        self._known.clear()  # somebody may have deleted one
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _close(self) -> None:
        self._drop()


def _send(writer: Writer, outgoing: list[Outgoing]) -> Outcomes:
    return writer.send(outgoing)


def _refused(outcomes: Outcomes) -> list[int]:
    return [at for at, error in enumerate(outcomes) if error and is_refusal(error)]
