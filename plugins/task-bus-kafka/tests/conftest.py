"""Brokers of these tests: one Kafka for all, one more where it is stopped."""

import contextlib
import gc
import os
import sys
from pathlib import Path

import pytest
from brokers.fixtures import kafka  # noqa: F401  a fixture, with or without `-p`
from brokers.kafka import Kafka
from brokers.kafka_warnings import bear_with_kafka
from brokers.process import BrokerMissingError
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # for `kafka_backdoor`

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
