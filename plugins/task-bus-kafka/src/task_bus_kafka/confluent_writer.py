"""Sends with confluent-kafka."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from kafka.errors import KafkaTimeoutError  # type: ignore[import-untyped]

from task_bus_kafka.confluent_errors import translate, translated
from task_bus_kafka.confluent_reader import offsets_of
from task_bus_kafka.driver import Outcomes, Writer
from task_bus_kafka.progress import Progress
from task_bus_kafka.records import Outgoing

REMEMBER = 60.0
"""Seconds until the partitions of a topic are asked for again."""


class ConfluentWriter(Writer):
    """A producer; see the base."""

    def __init__(
        self, settings: Mapping[str, Any], connect_timeout: float, send_timeout: float
    ) -> None:
        super().__init__(connect_timeout, send_timeout)
        self._partitions: dict[str, tuple[float, Sequence[int]]] = {}
        self._producer = Producer({**settings, "logger": logging.getLogger("kafka")})
        with translated():
            self._producer.list_topics(timeout=connect_timeout)
            if "transactional.id" in settings:
                self._producer.init_transactions(connect_timeout)

    def partitions(self, topic: str) -> Sequence[int]:
        until, found = self._partitions.get(topic, (0.0, ()))
        now = monotonic()
        if now >= until:
            with translated():
                known = self._producer.list_topics(topic, self._connect_timeout)
            if found := tuple(known.topics[topic].partitions):
                self._partitions[topic] = now + REMEMBER, found
        return found or (0,)  # it is new, and not every broker knows it

    def _send(self, messages: Sequence[Outgoing]) -> Outcomes:
        outcomes: Outcomes = [_UNHEARD] * len(messages)
        for place, message in enumerate(messages):
            self._start(message, partial(_note, outcomes, place))
        deadline = monotonic() + self._patience
        poll = self._producer.poll
        while _UNHEARD in outcomes and (left := deadline - monotonic()) > 0:
            poll(left)
        if _UNHEARD in outcomes:
            self.close()
        return outcomes

    def _start(self, message: Outgoing, note: Callable[..., None]) -> None:
        while True:
            try:
                self._producer.produce(
                    message.topic,
                    message.body,
                    message.key,
                    partition=-1 if message.partition is None else message.partition,
                    headers=message.headers or None,
                    on_delivery=note,
                )
            except BufferError:  # so many are under way that it takes no more
                self._producer.poll(0.1)
            except KafkaException as error:
                note(error, None)
                return
            else:
                return

    def _begin(self) -> None:
        with translated():
            self._producer.begin_transaction()

    def _abort(self) -> None:
        with translated():
            self._producer.abort_transaction(self._patience)

    def _send_progress(
        self, topic: str, progress: Mapping[int, Progress], membership: Any
    ) -> None:
        with translated():
            self._producer.send_offsets_to_transaction(
                offsets_of(topic, progress), membership, self._patience
            )

    def _commit(self) -> None:
        with translated():
            self._producer.commit_transaction(self._patience)

    def close(self) -> None:
        self._producer.purge()
        self._producer.flush(0)


_UNHEARD = KafkaTimeoutError("no word from the broker")


def _note(
    outcomes: Outcomes,
    place: int,
    error: KafkaError | KafkaException | None,
    message: object,
) -> None:
    """Note what became of one message."""
    outcomes[place] = None if error is None else translate(error)
