"""Sends with kafka-python."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaProducer, TopicPartition  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
)
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]
from kafka.structs import OffsetAndMetadata  # type: ignore[import-untyped]

from task_bus_kafka.driver import Post
from task_bus_kafka.marks import Mark
from task_bus_kafka.network import keep_client
from task_bus_kafka.settings import Settings


class PythonWriter:
    """A producer.

    Args:
        settings: Of the client.
        patience: Seconds until a message counts as not confirmed.
        transactional_id: Under which name transactions are made, if any.

    Raises:
        KafkaError: No broker answers, or it refuses.
    """

    def __init__(
        self, settings: Settings, patience: float, transactional_id: str | None = None
    ) -> None:
        self._patience = patience + 1
        self._client: KafkaNetClient | None = None
        config = settings.producer(transactional_id)
        try:
            self._producer = KafkaProducer(
                **config, kafka_client=keep_client(self._keep)
            )
        except BaseException:
            if self._client:
                self._client.close()
            raise
        if transactional_id:
            try:
                self._producer.init_transactions()
            except BaseException:
                self.close()
                raise

    def _keep(self, client: KafkaNetClient) -> None:
        self._client = client

    def partitions(self, topic: str) -> Sequence[int]:
        """Return the partitions of a topic."""
        return tuple(self._producer.partitions_for(topic))

    def send(self, posts: Sequence[Post]) -> list[Exception | None]:
        """Send, wait until all are confirmed or failed, return what went wrong."""
        futures = [self._begin(post) for post in posts]
        return [self._outcome(future) for future in futures]

    def _begin(self, post: Post) -> Any:
        try:
            return self._producer.send(
                post.topic, post.body, post.key, post.headers, post.partition
            )
        except (KafkaError, ValueError) as error:
            return error

    def _outcome(self, future: Any) -> Exception | None:
        if isinstance(future, Exception):
            return future
        outcome: Exception | None = None
        try:
            future.get(self._patience)
        except KafkaError as error:
            outcome = error
        return outcome

    def transact(
        self,
        posts: Sequence[Post],
        topic: str,
        marks: Mapping[int, Mark],
        membership: Any,
    ) -> list[Exception | None]:
        """Send, and write progress down, both or neither.

        Raises:
            KafkaError: Neither happened; or both, if no answer to the commit came.
        """
        self._producer.begin_transaction()
        outcomes = self.send(posts)
        manager = self._producer._transaction_manager
        if any(outcomes):
            with contextlib.suppress(KafkaError):  # else our next writer aborts it
                self._await(manager.begin_abort())
            return outcomes
        offsets = {
            TopicPartition(topic, number): OffsetAndMetadata(mark.offset, mark.text, -1)
            for number, mark in marks.items()
        }
        if offsets:
            self._await(manager.send_offsets_to_transaction(offsets, membership))
        self._await(manager.begin_commit())
        return outcomes

    def _await(self, result: Any) -> None:
        """Wait for a step of a transaction; the library itself would wait for ever.

        What it cannot explain is trouble with a connection.
        """
        self._producer._sender.wakeup()
        try:
            answered = result.wait(self._patience * 1000)
        except KafkaError as error:
            if type(error) is KafkaError:
                raise KafkaConnectionError(str(error)) from None
            raise
        if not answered:
            raise KafkaTimeoutError("no word of the transaction")

    def close(self) -> None:
        """Stop at once, whatever is on its way."""
        self._producer._sender.force_close()
        with contextlib.suppress(KafkaTimeoutError):
            self._producer.close(timeout=0)
