"""What a newcomer meets: a Kafka on which nobody has ever had a group."""

from brokers.kafka import Kafka
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.plugin import kafka as plugin

from task_core.api import BusContext, Message


def test_the_first_question_for_a_depth_is_answered():
    """The cluster makes the topic for its groups' progress only then."""
    with Kafka() as broker:
        bus = plugin.open(KafkaOptions(bootstrap=(broker.bootstrap,)), BusContext())
        bus.producer().send([Message("hello", b"1"), Message("hello", b"2")])
        assert bus.depth("hello", "hello") == 2
        assert bus.topics() == ["hello"]
        bus.close()
