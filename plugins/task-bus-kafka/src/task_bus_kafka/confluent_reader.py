"""Reads with confluent-kafka."""

import contextlib
import logging
import threading
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from task_bus_kafka.confluent_errors import translate, translated
from task_bus_kafka.driver import Reader, RebalanceListener
from task_bus_kafka.patience import patiently
from task_bus_kafka.progress import Progress
from task_bus_kafka.records import Record

GLANCE = 0.2
"""Seconds to look whether brokers that were gone are back."""
NEWS = 3.0
"""Seconds in which every broker has heard of a new topic."""


class ConfluentReader(Reader):
    """A member of a group; see the base."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        listener: RebalanceListener,
        patience: float,
    ) -> None:
        super().__init__(topic, listener, patience)
        self._urgent: SimpleQueue[tuple[Mapping[int, Progress], threading.Event]]
        self._urgent = SimpleQueue()
        self._down = False
        self._joined = False
        self._ends: dict[int, int] = {}  # where the last `poll` found nothing more
        self._gone: set[int] = set()  # the partitions that the last `poll` gave up
        self._membership: Any = None
        self._consumer = Consumer(
            {
                **settings,
                "on_commit": self._on_commit,
                "error_cb": self._on_error,
                "logger": logging.getLogger("kafka"),
            }
        )
        try:
            patiently(self._learn, min(patience, NEWS))
        except BaseException:
            self._consumer.close()
            raise
        self._consumer.subscribe(
            [topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def _learn(self) -> None:
        """Look for the topic: a broker that has not heard of it makes reading fail."""
        with translated():
            known = self._consumer.list_topics(self._topic, self._patience)
        if error := known.topics[self._topic].error:
            raise translate(error)

    @property
    def alive(self) -> bool:
        if self._down:
            try:
                self._consumer.list_topics(self._topic, GLANCE)
            except KafkaException:
                return False
            self._down = False
        return True

    @property
    def joined(self) -> bool:
        return self._joined

    @property
    def has_partitions(self) -> bool:
        return bool(self._consumer.assignment())

    @property
    def membership(self) -> Any:
        return self._membership

    def _poll(self, limit: int, seconds: float) -> Sequence[Record]:
        self._commit_urgent()
        self._gone.clear()
        self._membership = self._consumer.consumer_group_metadata()
        first = self._consumer.poll(seconds)
        if first is None:
            return ()
        more = self._consumer.consume(limit - 1, 0) if limit > 1 else ()
        records = []
        for message in (first, *more):
            number = message.partition()
            if error := message.error():
                self._hear(error, number, message.offset())
            elif number not in self._gone:
                body = message.value() or b""
                records.append(
                    Record(number, message.offset(), body, message.headers())
                )
        return records

    def _hear(self, error: KafkaError, number: int, offset: int) -> None:
        """Take in news that are no message.

        Raises:
            KafkaError: What the library cannot deal with (as of kafka-python).
        """
        if error.code() == KafkaError._PARTITION_EOF:
            if number not in self._gone:
                self._ends[number] = offset
        elif error.fatal() or not (error.retriable() or error.code() < 0):
            raise translate(error)

    def positions(self) -> Mapping[int, int]:
        """The library tells of each end once; then there may be more."""
        ends, self._ends = self._ends, {}
        return ends

    def _pause(self, paused: bool) -> None:
        act = self._consumer.pause if paused else self._consumer.resume
        act(self._consumer.assignment())

    def _committed(self, partition: int) -> Any:
        asked = [TopicPartition(self._topic, partition)]
        with translated():
            (found,) = self._consumer.committed(asked, self._patience)
        if found.error:  # it is not known, and not that nothing is committed
            raise translate(found.error)
        return found

    def _commit(self, progress: Mapping[int, Progress]) -> None:
        try:
            offsets = offsets_of(self._topic, progress)
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            self._answered(error)

    def _commit_and_wait(self, progress: Mapping[int, Progress]) -> None:
        try:
            offsets = offsets_of(self._topic, progress)
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            self._answered(error)
        else:
            self._answered()

    def _commit_soon(self, progress: Mapping[int, Progress]) -> threading.Event:
        """While one thread polls, the library lets no other in: that one does it."""
        done = threading.Event()
        self._urgent.put((progress, done))
        return done

    @property
    def is_urgent(self) -> bool:
        return not self._urgent.empty()

    def _commit_urgent(self) -> None:
        """Do what `commit_soon` asks for."""
        with contextlib.suppress(Empty):
            while True:
                progress, done = self._urgent.get_nowait()
                ours = {at.partition for at in self._consumer.assignment()}
                kept = {number: progress[number] for number in ours & progress.keys()}
                self._commit_and_wait(kept)
                done.set()

    def close(self) -> None:
        self._commit_urgent()
        self._consumer.close()

    def _on_commit(self, error: KafkaError | None, offsets: Any) -> None:
        self._answered(error)

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._down = True

    def _on_assign(self, consumer: Consumer, added: list[TopicPartition]) -> None:
        self._joined = True
        self._gone.difference_update(partition.partition for partition in added)

    def _on_revoke(self, consumer: Consumer, revoked: list[TopicPartition]) -> None:
        progress = self._release(revoked)
        if progress and not self._down:  # it would wait for brokers that are gone
            self._commit_and_wait(progress)

    def _on_lost(self, consumer: Consumer, lost: list[TopicPartition]) -> None:
        self._release(lost)

    def _release(self, partitions: list[TopicPartition]) -> Mapping[int, Progress]:
        """Forget all of partitions that go: they come back as others left them."""
        numbers = [partition.partition for partition in partitions]
        self._gone.update(numbers)
        for number in numbers:
            self._ends.pop(number, None)
        if self._paused:  # else the library reads them no more when they come back
            self._consumer.resume(partitions)
        return self._listener.release(numbers)


def offsets_of(topic: str, progress: Mapping[int, Progress]) -> list[TopicPartition]:
    """Return progress as the library takes it."""
    return [
        TopicPartition(topic, number, one.offset, one.text)
        for number, one in progress.items()
    ]
