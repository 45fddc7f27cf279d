"""Reads one topic as one group: receive, settle, give back, and how it waits."""

from collections.abc import Callable, Sequence
from time import monotonic

from task_bus_kafka.buffer import Buffer
from task_bus_kafka.driver import Outcomes, Writer
from task_bus_kafka.names import kafka_topic
from task_bus_kafka.partition import OpenMessage
from task_bus_kafka.poller import Poller
from task_bus_kafka.producer import KafkaProducer
from task_bus_kafka.progress import Progress
from task_bus_kafka.records import Outgoing
from task_core.api import (
    Bus,
    BusConnectionError,
    Consumer,
    Delivery,
    LeaseLostError,
    Message,
    SendError,
)

COMMIT_PATIENCE = 2.0
"""Seconds to wait until it is written down that a message is handed out."""


class KafkaConsumer(Consumer):
    """Reads one channel.

    Args:
        bus, topic, channel: As for every consumer.
        buffer: What was read.
        poller: Reads it.
        transactor: Makes what settles in transactions, if that is wanted.
    """

    knows_lost = True

    def __init__(
        self,
        bus: Bus,
        topic: str,
        channel: str,
        buffer: Buffer,
        poller: Poller,
        transactor: Callable[[], KafkaProducer] | None,
    ) -> None:
        super().__init__(bus, topic, channel)
        self._buffer = buffer
        self._poller = poller
        self._transactor = transactor
        self._told = False  # whether the caller knows of the poller's problem

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        buffer = self._buffer
        buffer.hear(waits=True)
        try:
            with buffer.changed:
                messages = self._wait(limit, monotonic() + timeout)
                must_commit = buffer.must_commit(messages)
        finally:
            buffer.hear()
        if must_commit:
            self.commit()
        return [self._delivery(message) for message in messages]

    def _delivery(self, message: OpenMessage) -> Delivery:
        """Return what the caller gets.

        Without transactions a message may have been done, and its holder have died
        before that was written down.
        """
        lost = message.receipts - 1 - message.returned
        return Delivery(
            body=message.body,
            token=message,
            attempt=message.receipts,
            headers=message.headers,
            returned=message.returned,
            unsure=1 if lost > 0 and self._transactor is None else 0,
            position=message,
        )

    def _wait(self, limit: int, deadline: float) -> list[OpenMessage]:
        """Wait until there is something; with the buffer's lock."""
        buffer = self._buffer
        self._poller.join_again()
        while True:
            self._poller.look_for_answers()
            if found := buffer.take(limit):
                if buffer.low:
                    buffer.changed.notify_all()
                return found
            now, problem = monotonic(), self._poller.problem
            if self._woken or now >= deadline or (problem and not self._told):
                break
            buffer.changed.wait(min(deadline, buffer.next_due) - now)
        self._told = problem is not None
        if problem:
            raise problem
        return []

    def _exhausted(self) -> bool:
        """Never; but who asks is alive, though it may take nothing for long.

        A slow rate is no reason to leave the group, and to come back for each task.
        """
        self._buffer.hear()
        return False

    def _wake(self) -> None:
        with self._buffer.changed:
            self._buffer.changed.notify_all()

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        """Send, then note that the deliveries are done."""
        self._check(deliveries)
        if self._transactor is not None:
            self._transact(self._transactor(), deliveries, messages)
        elif messages:
            self.bus.shared_producer().send(messages)
        if self._buffer.finish(deliveries):
            self.commit()

    def _transact(
        self,
        transactor: KafkaProducer,
        deliveries: Sequence[Delivery],
        messages: Sequence[Message],
    ) -> None:
        """Send, and write progress down as if these were done, in one transaction."""
        topic = kafka_topic(self.topic)
        membership, progress = None, dict[int, Progress]()
        if deliveries:
            if (reader := self._poller.reader) is None:
                raise self._poller.problem or BusConnectionError(
                    "bus 'kafka': its place in the group is about to be taken again"
                )
            membership = reader.membership  # before: with a later one, progress would
            # be taken from us that is no longer ours to write down
            done = {delivery.token for delivery in deliveries}
            progress = self._buffer.progress(done)
            self._check(deliveries)  # else what went meanwhile would be sent, not done

        def act(writer: Writer, outgoing: list[Outgoing]) -> Outcomes:
            return writer.transact(outgoing, topic, progress, membership)

        try:
            transactor.transact(messages, act, Writer.probe)
        except SendError:
            self._check(deliveries)  # it may be the group that refused
            raise

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        """Note that these are done; written down a little later."""
        self._check(deliveries)
        cautious = self._buffer.finish(deliveries)
        if cautious or self._transactor is not None:  # no clock writes it down
            self.commit()

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        self._check(deliveries)
        self._buffer.give_back(deliveries, delay)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        self._check(deliveries)
        self._buffer.extend(deliveries)

    def commit(self) -> None:
        """Write progress down before this returns, if brokers answer soon."""
        self._poller.commit_now(COMMIT_PATIENCE)

    def _check(self, deliveries: Sequence[Delivery]) -> None:
        """Refuse what others have.

        Raises:
            LeaseLostError: Nothing was done.
        """
        self._buffer.hear()
        if lost := self._buffer.lost(deliveries):
            raise LeaseLostError(
                f"bus 'kafka': {len(lost)} of {len(deliveries)} deliveries of topic"
                f" '{self.topic}' went to others, as their partition moved or their"
                " lease was over; nothing was done",
                lost,
            )

    def _close(self) -> None:
        self._poller.close()
