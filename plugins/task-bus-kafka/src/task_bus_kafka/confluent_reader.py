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
    Message,
    TopicPartition,
)

from task_bus_kafka.confluent_errors import translate
from task_bus_kafka.driver import Partitions
from task_bus_kafka.marks import Mark, read_mark
from task_bus_kafka.stock import Record

GLANCE = 0.2
"""Seconds to look whether brokers that were gone are back."""


class ConfluentReader:
    """A member of a group.

    Args:
        settings: Of the client.
        topic: What is read.
        partitions: Told when some are to be given up.
        patience: Seconds that connecting and asking may take.

    Raises:
        KafkaError: No broker answers, or it refuses (as of kafka-python).
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        partitions: Partitions,
        patience: float,
    ) -> None:
        self._topic = topic
        self._partitions = partitions
        self._patience = patience
        self._failed = threading.Event()
        self._urgent: SimpleQueue[tuple[Mapping[int, Mark], threading.Event]]
        self._urgent = SimpleQueue()
        self._down = False
        self._paused = False
        self._joined = False
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
            self._consumer.list_topics(topic, patience)
        except KafkaException as error:
            self._consumer.close()
            raise translate(error) from None
        self._consumer.subscribe(
            [topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    @property
    def alive(self) -> bool:
        """Whether any broker is connected."""
        if self._down:
            try:
                self._consumer.list_topics(self._topic, GLANCE)
            except KafkaException:
                return False
            self._down = False
        return True

    @property
    def joined(self) -> bool:
        """Whether the group has told us what is ours."""
        return self._joined

    @property
    def membership(self) -> Any:
        """Who we are in the group, for transactions."""
        return self._membership

    def poll(self, limit: int, seconds: float) -> Sequence[Record]:
        """Return what was read, in order; wait until there is something."""
        self._hurry()
        self._gone.clear()
        self._membership = self._consumer.consumer_group_metadata()
        first = self._consumer.poll(seconds)
        if first is None:
            return ()
        more = self._consumer.consume(limit - 1, 0) if limit > 1 else ()
        return [
            Record(message.partition(), message.offset(), body, message.headers())
            for message in (first, *more)
            if (body := _body_of(message)) is not None
            and message.partition() not in self._gone
        ]

    def pause(self) -> None:
        """Read nothing until `resume`; called again, it pauses new partitions too."""
        self._paused = True
        self._consumer.pause(self._consumer.assignment())

    def resume(self) -> None:
        """Read again."""
        if self._paused:
            self._paused = False
            self._consumer.resume(self._consumer.assignment())

    def committed(self, partition: int) -> Mark | None:
        """Return how far a partition is done."""
        try:
            (found,) = self._consumer.committed(
                [TopicPartition(self._topic, partition)], self._patience
            )
        except KafkaException as error:
            raise translate(error) from None
        return (
            None if found.offset < 0 else read_mark(found.offset, found.metadata or "")
        )

    def commit(self, marks: Mapping[int, Mark]) -> None:
        """Write progress down some time."""
        try:
            offsets = offsets_of(self._topic, marks)
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException:
            self._failed.set()

    @property
    def has_failed(self) -> bool:
        """Whether a `commit` has failed since this was asked."""
        if self._failed.is_set():
            self._failed.clear()
            return True
        return False

    def commit_now(self, marks: Mapping[int, Mark], seconds: float) -> None:
        """Write progress down before this returns (any thread).

        While one thread polls, the library lets no other in: that one does it.
        """
        done = threading.Event()
        self._urgent.put((marks, done))
        done.wait(seconds)

    def _hurry(self) -> None:
        """Do what `commit_now` asks for."""
        with contextlib.suppress(Empty):
            while True:
                marks, done = self._urgent.get_nowait()
                ours = {at.partition for at in self._consumer.assignment()}
                self._commit_and_wait(
                    {number: mark for number, mark in marks.items() if number in ours}
                )
                done.set()

    def _commit_and_wait(self, marks: Mapping[int, Mark]) -> None:
        try:
            offsets = offsets_of(self._topic, marks)
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException:
            self._failed.set()

    def close(self) -> None:
        """Give up all partitions and leave the group."""
        self._hurry()
        self._consumer.close()

    def _on_commit(self, error: KafkaError | None, offsets: Any) -> None:
        if error:
            self._failed.set()

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._down = True

    def _on_assign(self, consumer: Consumer, added: list[TopicPartition]) -> None:
        self._joined = True
        self._gone.difference_update(partition.partition for partition in added)

    def _on_revoke(self, consumer: Consumer, revoked: list[TopicPartition]) -> None:
        marks = self._release(revoked)
        if marks and not self._down:  # it would wait for brokers that are gone
            self._commit_and_wait(marks)

    def _on_lost(self, consumer: Consumer, lost: list[TopicPartition]) -> None:
        self._release(lost)

    def _release(self, partitions: list[TopicPartition]) -> Mapping[int, Mark]:
        numbers = [partition.partition for partition in partitions]
        self._gone.update(numbers)
        return self._partitions.release(numbers)


def offsets_of(topic: str, marks: Mapping[int, Mark]) -> list[TopicPartition]:
    """Return progress as the library takes it."""
    return [
        TopicPartition(topic, number, mark.offset, mark.text)
        for number, mark in marks.items()
    ]


def _body_of(message: Message) -> bytes | None:
    """Return the body; None for news that the library deals with itself.

    Raises:
        KafkaError: What it cannot deal with (as of kafka-python).
    """
    error = message.error()
    if error is None:
        return message.value() or b""
    if error.fatal() or not (error.retriable() or error.code() < 0):
        raise translate(error)
    return None
