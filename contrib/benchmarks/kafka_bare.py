"""Bare loops on two client libraries of Kafka, for `kafka_bus.py` to compare with.

Each done task is confirmed before its message is finished; progress is written down
twice a second, off the path of a task.
"""

import time
from collections.abc import Iterator
from typing import Any

TASK = (
    b'{"type":"load","info":"s3://bucket/2026/01/01/file.json?dest=x&threads=4",'
    b'"created":"2026-01-01T00:00:00Z","id":"12345678-1234-1234-1234-123456789012"}'
)
DONE = TASK[:-1] + b',"result":"complete","started":"2026-01-01T00:00:01Z"}'
COMMIT_EVERY = 0.5


class BarePython:
    """A loop on kafka-python alone."""

    def __init__(self, bootstrap: str) -> None:
        from kafka import KafkaProducer

        self._bootstrap = bootstrap
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True
        )

    def send(self, topic: str, count: int, batch: int) -> None:
        for _ in range(0, count, batch):
            for future in [self._producer.send(topic, TASK) for _ in range(batch)]:
                future.get(30)

    def work(self, topic: str, count: int, window: int) -> Iterator[None]:
        from kafka import KafkaConsumer
        from kafka.structs import OffsetAndMetadata

        consumer = KafkaConsumer(
            topic,
            bootstrap_servers=self._bootstrap,
            group_id=topic,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        while not consumer.poll(1000, max_records=1):
            pass
        yield
        left, offsets, commit_at = count - 1, {}, 0.0
        while left:
            found = consumer.poll(30_000, max_records=min(window, left))
            for partition, records in found.items():
                futures = [self._producer.send(f"{topic}-done", DONE) for _ in records]
                for future in futures:
                    future.get(30)
                offsets[partition] = OffsetAndMetadata(records[-1].offset + 1, "", -1)
                left -= len(records)
            if time.monotonic() > commit_at:
                consumer.commit_async(offsets)
                commit_at = time.monotonic() + COMMIT_EVERY
        yield
        consumer.close()

    def close(self) -> None:
        self._producer.close()


class BareConfluent:
    """A loop on confluent-kafka alone."""

    def __init__(self, bootstrap: str) -> None:
        from confluent_kafka import Producer

        self._bootstrap = bootstrap
        self._confirmed = 0
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
            }
        )

    def _note(self, error: Any, message: Any) -> None:
        assert error is None
        self._confirmed += 1

    def _send(self, topic: str, body: bytes, count: int) -> None:
        self._confirmed = 0
        for _ in range(count):
            self._producer.produce(topic, body, on_delivery=self._note)
        while self._confirmed < count:
            self._producer.poll(1)

    def send(self, topic: str, count: int, batch: int) -> None:
        for _ in range(0, count, batch):
            self._send(topic, TASK, batch)

    def work(self, topic: str, count: int, window: int) -> Iterator[None]:
        from confluent_kafka import Consumer

        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": topic,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        consumer.subscribe([topic])
        while not consumer.poll(1):
            pass
        yield
        left, commit_at = count - 1, 0.0
        while left:
            first = consumer.poll(30)
            more = consumer.consume(min(window, left) - 1, 0) if window > 1 else []
            found = [first, *more]
            self._send(f"{topic}-done", DONE, len(found))
            left -= len(found)
            if time.monotonic() > commit_at:
                consumer.commit(asynchronous=True)
                commit_at = time.monotonic() + COMMIT_EVERY
        yield
        consumer.close()

    def close(self) -> None:
        self._producer.flush(5)
