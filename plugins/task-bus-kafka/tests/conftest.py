"""Brokers of these tests: one Kafka for all, one more where it is stopped."""

import gc
import os
import sys
from pathlib import Path

import pytest
from brokers.fixtures import kafka  # noqa: F401  a fixture, with or without `-p`
from brokers.kafka import Kafka
from brokers.process import BrokerMissingError

sys.path.insert(0, str(Path(__file__).parent))  # for `kafka_backdoor`


def pytest_configure(config):
    """Bear with the client library.

    It reads its schemas in a way that 3.11 and 3.12 deplore, and leaves the sockets of
    tries to connect that failed to the garbage collector.
    """
    for known in (
        "ignore:(read|open)_text is deprecated",
        "ignore:unclosed .socket:ResourceWarning",
        "ignore:Exception ignored in. .socket:pytest.PytestUnraisableExceptionWarning",
    ):
        config.addinivalue_line("filterwarnings", known)


@pytest.fixture(scope="module")
def own_kafka():
    """A Kafka that may be stopped; skip, or fail where it must be there."""
    broker = Kafka()
    try:
        broker.start()
    except BrokerMissingError as error:
        broker.close()
        if os.environ.get("TASK_BROKERS_REQUIRED") == "1":
            raise
        pytest.skip(str(error))
    yield broker
    broker.close()
    gc.collect()  # the sockets, while we still bear with them
