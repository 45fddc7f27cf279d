"""Brokers of these tests: one nsqd for all, and more where a test needs its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from brokers.auth import AuthServer
from brokers.bus_fixtures import listening  # noqa: F401  a fixture
from brokers.fixtures import nsqd  # noqa: F401  a fixture, with or without `-p`
from brokers.nsq import Nsqd, NsqLookupd
from brokers.process import BrokerMissingError
from brokers.tls import Certificate
from hypothesis import settings
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.plugin import nsq

from task_core.api import BusContext

sys.path.insert(0, str(Path(__file__).parent))  # for `nsq_backdoor`

# A busy machine is no failure.
settings.register_profile("nsq", deadline=None)
settings.load_profile("nsq")


@pytest.fixture(scope="module")
def start():
    """Start a broker for one module; skip, or fail where it must be there."""
    started = []

    def start(kind, **how):
        try:
            started.append(kind(**how))
            started[-1].start()
        except BrokerMissingError as error:
            if os.environ.get("BROKERS_REQUIRED") == "1":
                raise
            pytest.skip(str(error))
        return started[-1]

    yield start
    for broker in reversed(started):
        broker.close()


@pytest.fixture(scope="module")
def start_nsqd(start):
    """Start an nsqd; takes what `Nsqd` takes."""
    return lambda **how: start(Nsqd, **how)


@pytest.fixture(scope="module")
def start_lookupd(start):
    """Start an nsqlookupd."""
    return lambda **how: start(NsqLookupd, **how)


@pytest.fixture(scope="session")
def auth():
    """Who tells nsqds which secret is good."""
    with AuthServer() as server:
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """What a server of TLS shows."""
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def guarded(start_nsqd, auth, certificate):
    """An nsqd that speaks TLS and asks for a secret."""
    return start_nsqd(auth=auth, tls=certificate)


@pytest.fixture
def buses():
    """Open buses with these options, and close them at the end."""
    opened = []

    def open_bus(lease=30.0, **options):
        opened.append(nsq.open(NsqOptions(**options), BusContext(lease=lease)))
        return opened[-1]

    yield open_bus
    for bus in opened:
        bus.close()


@pytest.fixture
def task(tmp_path, nsqd):  # noqa: F811  it is the fixture above
    """Start the command with this bus; end it with the test."""
    started = []

    def task(*words, bus=f"nsq://{nsqd.tcp}?http={nsqd.http}"):
        process = subprocess.Popen(
            [sys.executable, "-m", "task_core", *words, "--bus", bus],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield task
    for process in started:
        process.kill()
        process.communicate()
