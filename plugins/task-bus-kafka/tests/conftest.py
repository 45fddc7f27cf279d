"""Brokers of these tests: one Kafka for all, one more where it is stopped."""

import contextlib
import gc
import os
import sys
import uuid
from pathlib import Path

import pytest
from brokers import fixtures
from brokers.kafka import Kafka
from brokers.kafka_warnings import bear_with_kafka
from brokers.process import BrokerMissingError
from hypothesis import settings
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.plugin import kafka as plugin

from task_core.api import BusContext

sys.path.insert(0, str(Path(__file__).parent))  # for `kafka_backdoor`

kafka = fixtures.kafka  # with or without `-p`

# A busy machine is no failure.
settings.register_profile("kafka", deadline=None)
settings.load_profile("kafka")


def pytest_configure(config):
    """Brokers come and go here."""
    bear_with_kafka(config)


@pytest.fixture(scope="session")
def broker():
    """Run a Kafka with given settings; skip, or fail where it must be there."""

    @contextlib.contextmanager
    def broker(**given):
        started = Kafka(**given)
        try:
            started.start()
        except BrokerMissingError as error:
            started.close()
            if os.environ.get("BROKERS_REQUIRED") == "1":
                raise
            pytest.skip(str(error))
        yield started
        started.close()
        gc.collect()  # the sockets, while we still bear with them

    return broker


@pytest.fixture(scope="module")
def own_kafka(broker):
    """A Kafka that may be stopped."""
    with broker() as started:
        yield started


@pytest.fixture(params=list(Client))
def client(request):
    return request.param


@pytest.fixture
def topic():
    return f"send-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def backdoor(kafka):
    # kafka-python warns as it is imported: not before `pytest_configure`.
    from kafka_backdoor import KafkaBackdoor

    backdoor = KafkaBackdoor(kafka, partitions=4)
    yield backdoor
    backdoor.close()


@pytest.fixture
def open_bus(kafka, client):
    """Open a bus; all are closed at the end."""
    opened = []

    def open_bus(**more):
        options = KafkaOptions(bootstrap=(kafka.bootstrap,), client=client, **more)
        opened.append(plugin.open(options, BusContext()))
        return opened[-1]

    yield open_bus
    for bus in opened:
        bus.close()
