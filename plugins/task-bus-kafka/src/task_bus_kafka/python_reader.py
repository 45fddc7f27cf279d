"""Reads with kafka-python."""

import contextlib
import threading
from collections.abc import Collection, Mapping, Sequence
from time import monotonic
from typing import Any

from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener  # type: ignore[import-untyped]
from kafka.errors import KafkaError, RetriableError  # type: ignore[import-untyped]
from kafka.future import Future  # type: ignore[import-untyped]
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]
from kafka.structs import MemberState, OffsetAndMetadata  # type: ignore[import-untyped]

from task_bus_kafka.driver import Partitions
from task_bus_kafka.marks import Mark, read_mark
from task_bus_kafka.network import keep_client
from task_bus_kafka.settings import Settings
from task_bus_kafka.stock import Record

REST = 0.1
"""Seconds between two tries of the last commit of a partition."""
BRIEF = 3_000
"""Milliseconds that this commit may take, and after it leaving the group."""


class PythonReader:
    """A member of a group.

    Args:
        settings: Of the client.
        topic, group: What is read, and as whom.
        partitions: Told when some are to be given up.
        patience: Seconds that closing and asking may take.

    Raises:
        KafkaError: No broker answers, or it refuses.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        group: str,
        partitions: Partitions,
        patience: float,
    ) -> None:
        self._topic = topic
        self._patience = round(patience * 1000)
        self._client: KafkaNetClient | None = None
        self._failed = threading.Event()
        self._paused = False
        config = settings.consumer(group)
        try:
            self._consumer = KafkaConsumer(
                **config, kafka_client=keep_client(self._keep)
            )
        except BaseException:
            if self._client:
                self._client.close()
            raise
        self._consumer.subscribe([topic], listener=_Listener(self, partitions))
        self._learn()

    def _keep(self, client: KafkaNetClient) -> None:
        self._client = client

    def _learn(self) -> None:
        """Await that the partitions of the topic are known; then the group is joined.

        A leader that does not know them assigns none, and has the group join again
        when it does: meanwhile a second member may come, and get what is the first's.
        """
        assert self._client is not None
        cluster, manager = self._client.cluster, self._client._manager
        ends = monotonic() + self._patience / 1000
        while not cluster.partitions_for_topic(self._topic):
            if (left := ends - monotonic()) <= 0:
                break  # somebody has deleted it; it may be made anew
            with contextlib.suppress(KafkaError):
                manager.run(manager.wait_for, cluster.request_update(), left * 1000)

    async def commit_last(self, marks: Mapping[int, Mark]) -> None:
        """Write progress down before others go on (in the client's own thread)."""
        assert self._client is not None
        ends = monotonic() + min(self._patience, BRIEF) / 1000
        while (left := ends - monotonic()) > 0:
            commit = self.send_commit(marks)
            try:
                await self._client._manager.wait_for(commit, left * 1000)
            except RetriableError:  # the coordinator moves, or has just started
                await self._client._net.sleep(REST)
            except KafkaError:
                return  # others do again what was not written down
            else:
                return

    @property
    def alive(self) -> bool:
        """Whether any broker is connected."""
        assert self._client is not None
        brokers = self._client.cluster.brokers()
        return any(self._client.connected(broker.node_id) for broker in brokers)

    @property
    def joined(self) -> bool:
        """Whether the group has told us what is ours."""
        stable: bool = self.membership.state == MemberState.STABLE
        return stable

    @property
    def membership(self) -> Any:
        """Who we are in the group, for transactions."""
        return self._consumer.group_metadata()

    def poll(self, limit: int, seconds: float) -> Sequence[Record]:
        """Return what was read, in order; wait until there is something."""
        if self._paused:
            self._consumer.pause(*self._consumer.assignment())
        try:
            found = self._consumer.poll(round(seconds * 1000), max_records=limit)
        except IndexError:  # `commit_now` took the answer to an old commit from under
            return ()  # its nose, before anything was read
        return [
            Record(record.partition, record.offset, record.value or b"", record.headers)
            for records in found.values()
            for record in records
        ]

    def pause(self) -> None:
        """Read nothing until `resume`; new partitions are paused by `poll`."""
        self._paused = True

    def resume(self) -> None:
        """Read again."""
        if self._paused:
            self._paused = False
            self._consumer.resume(*self._consumer.paused())

    def committed(self, partition: int) -> Mark | None:
        """Return how far a partition is done."""
        found = self._consumer.committed(
            TopicPartition(self._topic, partition),
            metadata=True,
            timeout_ms=self._patience,
        )
        return found and read_mark(found.offset, found.metadata)

    def commit(self, marks: Mapping[int, Mark]) -> None:
        """Write progress down some time."""
        self.send_commit(marks).add_errback(lambda error: self._failed.set())

    def send_commit(self, marks: Mapping[int, Mark]) -> Future:
        """Write progress down; the answer is to come."""
        return self._consumer.commit_async(
            {
                TopicPartition(self._topic, number): OffsetAndMetadata(
                    mark.offset, mark.text, -1
                )
                for number, mark in marks.items()
            }
        )

    @property
    def has_failed(self) -> bool:
        """Whether a `commit` has failed since this was asked."""
        if self._failed.is_set():
            self._failed.clear()
            return True
        return False

    def commit_now(self, marks: Mapping[int, Mark], seconds: float) -> None:
        """Write progress down before this returns (any thread)."""
        done = threading.Event()
        try:
            future = self.send_commit(marks)
        except IndexError:  # as in `poll`, and nothing was sent
            future = self.send_commit(marks)
        future.add_both(lambda _: done.set())
        if not done.wait(seconds) or future.failed():
            self._failed.set()

    def close(self) -> None:
        """Give up all partitions and leave the group."""
        self._consumer.close(timeout_ms=min(self._patience, BRIEF))


class _Listener(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Writes down the progress of partitions before others get them.

    Runs in the client's own thread, which must not wait for itself.
    """

    def __init__(self, reader: PythonReader, partitions: Partitions) -> None:
        self._reader = reader
        self._partitions = partitions

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        marks = self._partitions.release([partition for _, partition in revoked])
        if marks:
            await self._reader.commit_last(marks)

    async def on_partitions_assigned(
        self, assigned: Collection[TopicPartition]
    ) -> None:
        return

    async def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        self._partitions.release([partition for _, partition in lost])
