"""Sends with confluent-kafka."""

import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from kafka.errors import KafkaTimeoutError  # type: ignore[import-untyped]

from task_bus_kafka.confluent_errors import translate
from task_bus_kafka.confluent_reader import offsets_of
from task_bus_kafka.driver import Post
from task_bus_kafka.marks import Mark

REMEMBER = 60.0
"""Seconds until the partitions of a topic are asked for again."""


class ConfluentWriter:
    """A producer.

    Args:
        settings: Of the client.
        connect_timeout: Seconds that connecting and asking may take.
        send_timeout: Seconds until a message counts as not confirmed.

    Raises:
        KafkaError: No broker answers, or it refuses (as of kafka-python).
    """

    def __init__(
        self, settings: Mapping[str, Any], connect_timeout: float, send_timeout: float
    ) -> None:
        self._connect_timeout = connect_timeout
        self._patience = send_timeout + 1
        self._partitions: dict[str, tuple[float, Sequence[int]]] = {}
        self._producer = Producer({**settings, "logger": logging.getLogger("kafka")})
        try:
            self._producer.list_topics(timeout=connect_timeout)
            if "transactional.id" in settings:
                self._producer.init_transactions(connect_timeout)
        except KafkaException as error:
            raise translate(error) from None

    def partitions(self, topic: str) -> Sequence[int]:
        """Return the partitions of a topic."""
        until, found = self._partitions.get(topic, (0.0, ()))
        now = monotonic()
        if now >= until:
            try:
                known = self._producer.list_topics(topic, self._connect_timeout)
            except KafkaException as error:
                raise translate(error) from None
            found = tuple(known.topics[topic].partitions) or (0,)
            self._partitions[topic] = now + REMEMBER, found
        return found

    def send(self, posts: Sequence[Post]) -> list[Exception | None]:
        """Send, wait until all are confirmed or failed, return what went wrong."""
        outcomes: list[Exception | None] = [_UNHEARD] * len(posts)
        for place, post in enumerate(posts):
            self._begin(post, _Note(outcomes, place))
        deadline = monotonic() + self._patience
        poll = self._producer.poll
        while _UNHEARD in outcomes and (left := deadline - monotonic()) > 0:
            poll(left)
        if _UNHEARD in outcomes:
            self._producer.purge()
            self._producer.flush(0)
        return outcomes

    def _begin(self, post: Post, note: Callable[..., None]) -> None:
        while True:
            try:
                self._producer.produce(
                    post.topic,
                    post.body,
                    post.key,
                    partition=-1 if post.partition is None else post.partition,
                    headers=post.headers or None,
                    on_delivery=note,
                )
            except BufferError:  # so many are under way that it takes no more
                self._producer.poll(0.1)
            except KafkaException as error:
                note(error, None)
                return
            else:
                return

    def transact(
        self,
        posts: Sequence[Post],
        topic: str,
        marks: Mapping[int, Mark],
        membership: Any,
    ) -> list[Exception | None]:
        """Send, and write progress down, both or neither."""
        producer, patience = self._producer, self._patience
        try:
            producer.begin_transaction()
            outcomes = self.send(posts)
            if any(outcomes):
                producer.abort_transaction(patience)
                return outcomes
            if marks:
                producer.send_offsets_to_transaction(
                    offsets_of(topic, marks), membership, patience
                )
            producer.commit_transaction(patience)
        except KafkaException as error:
            raise translate(error) from None
        return outcomes

    def close(self) -> None:
        """Stop at once."""
        self._producer.purge()
        self._producer.flush(0)


_UNHEARD = KafkaTimeoutError("no word from the broker")


class _Note:
    """Notes what became of one message."""

    __slots__ = ("_outcomes", "_place")

    def __init__(self, outcomes: list[Exception | None], place: int) -> None:
        self._outcomes = outcomes
        self._place = place

    def __call__(
        self, error: KafkaError | KafkaException | None, message: object
    ) -> None:
        self._outcomes[self._place] = None if error is None else translate(error)
