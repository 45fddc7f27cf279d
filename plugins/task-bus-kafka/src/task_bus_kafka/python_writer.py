"""Sends with kafka-python."""

import contextlib
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from kafka import KafkaProducer  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
)

from task_bus_kafka.driver import Outcomes, Writer
from task_bus_kafka.network import connected
from task_bus_kafka.progress import Progress
from task_bus_kafka.python_reader import offsets_of
from task_bus_kafka.records import Outgoing


class PythonWriter(Writer):
    """A producer; see the base."""

    def __init__(
        self, settings: Mapping[str, Any], connect_timeout: float, send_timeout: float
    ) -> None:
        super().__init__(connect_timeout, send_timeout)
        self._producer, _ = connected(KafkaProducer, settings)
        if settings["transactional_id"]:
            try:
                self._producer.init_transactions()
            except BaseException:
                self.close()
                raise

    def partitions(self, topic: str) -> Sequence[int]:
        return tuple(self._producer.partitions_for(topic))

    def _send(self, messages: Sequence[Outgoing]) -> Outcomes:
        started: list[Any] = []
        for message in messages:
            started.append(self._start(message))
            if isinstance(started[-1], KafkaTimeoutError):  # so would the others be
                started += started[-1:] * (len(messages) - len(started))
                break
        # One for all: when a batch has expired while it was tried again, the library
        # (3.0.12) asks for no new producer id and forgets the other batches.
        deadline = monotonic() + self._patience
        outcomes = [self._outcome(one, deadline) for one in started]
        self._forget_partitions()
        return outcomes

    def _start(self, message: Outgoing) -> Any:
        try:
            return self._producer.send(
                message.topic,
                message.body,
                message.key,
                message.headers,
                message.partition,
            )
        except (KafkaError, ValueError) as error:
            return error

    def _outcome(self, future: Any, deadline: float) -> Exception | None:
        if isinstance(future, Exception):
            return future
        outcome: Exception | None = None
        try:
            future.get(max(0.0, deadline - monotonic()))
        except KafkaError as error:
            outcome = error
        return outcome

    def _forget_partitions(self) -> None:
        """Let go of partitions for which nothing waits any more.

        The library (3.0.12) asks who leads each that it ever sent to, again and again
        without a pause: once such a topic is deleted, that takes a whole core for good.
        """
        accumulator = self._producer._accumulator
        for partition in list(accumulator._batches):
            with accumulator._tp_lock(partition):
                if not accumulator._batches[partition]:
                    del accumulator._batches[partition]

    def _begin(self) -> None:
        self._producer.begin_transaction()

    def _abort(self) -> None:
        with contextlib.suppress(KafkaError):  # else our next writer aborts it
            self._await(self._producer._transaction_manager.begin_abort())

    def _send_progress(
        self, topic: str, progress: Mapping[int, Progress], membership: Any
    ) -> None:
        offsets = offsets_of(topic, progress)
        manager = self._producer._transaction_manager
        self._await(manager.send_offsets_to_transaction(offsets, membership))

    def _commit(self) -> None:
        self._await(self._producer._transaction_manager.begin_commit())

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
        self._producer._sender.force_close()
        with contextlib.suppress(KafkaTimeoutError):
            self._producer.close(timeout=0)
