"""What is seen of a topic by who takes nothing."""

import contextlib
import time
import uuid

from kafka_backdoor import KafkaBackdoor
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.plugin import kafka as plugin

from task_core.api import BusContext

SECOND = 1_000


def test_the_oldest_of_all_partitions_are_shown(kafka):
    """Not those of the partition that answers first."""
    topic = f"peek-{uuid.uuid4().hex}"
    bodies = [b"%03d" % number for number in range(200)]
    begin = round(time.time() - len(bodies)) * SECOND
    with contextlib.closing(KafkaBackdoor(kafka, partitions=4)) as backdoor:
        backdoor.make(topic)
        for number, body in enumerate(bodies):
            told = {"partition": number % 3, "timestamp_ms": begin + number * SECOND}
            sent = backdoor.producer.send(topic, body, **told)
        sent.get(60)
        backdoor.producer.flush(60)
    options = KafkaOptions(bootstrap=(kafka.bootstrap,))
    with contextlib.closing(plugin.open(options, BusContext())) as bus:
        assert list(bus.peek(topic, 5)) == bodies[:5]
        assert list(bus.peek(topic, 70)) == bodies[:70]
        assert list(bus.peek(topic, 1_000)) == bodies
