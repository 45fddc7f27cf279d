"""Every test runs against the stand-in, and against a real nsqd where there is one."""

import os
import shutil
from contextlib import ExitStack

import pytest
from brokers.nsq import Nsqd, NsqLookupd, implementation, program
from brokers.tests.profiles import running
from brokers.tests.raw import Raw, batch

FORCED = os.environ.get("TASK_NSQ")


def _kinds():
    """Return what there is here; what is demanded is there, or its tests fail."""
    if FORCED:
        return ["stand-in", "real"] if FORCED == "real" else ["stand-in"]
    here = [
        shutil.which(os.environ.get(it.upper(), it)) for it in ("nsqd", "nsqlookupd")
    ]
    return ["stand-in", "real"] if all(here) else ["stand-in"]


KINDS = _kinds()


def pytest_report_header():
    """Tell what is tested."""
    return f"nsqd of these tests: {', '.join(KINDS)}"


@pytest.fixture(scope="session", params=KINDS)
def kind(request):
    """Choose which of the two all brokers of a test are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASK_NSQ", request.param)
        implementation.cache_clear()
        for name in ("nsqd", "nsqlookupd"):
            program(name)
        yield request.param
    implementation.cache_clear()


@pytest.fixture(scope="session")
def servers(kind, tmp_path_factory):
    """Give one server per profile, started when it is first asked for."""
    started = {}
    with ExitStack() as stack:

        def of(profile):
            if profile not in started:
                folder = tmp_path_factory.mktemp(profile)
                context = running(profile, folder)
                started[profile] = stack.enter_context(context)
            return started[profile]

        yield of


@pytest.fixture
def nsqd(servers):
    """One with defaults, shared: tests use topics of their own."""
    return servers("plain")[0]


@pytest.fixture
def connect(nsqd):
    """Open connections that are closed at the end."""
    opened = []

    def one(server=None):
        opened.append(Raw((server or nsqd).tcp))
        return opened[-1]

    yield one
    for connection in opened:
        connection.close()


@pytest.fixture
def publish(nsqd, connect):
    """Publish messages, from a connection that receives none."""

    def some(topic, *bodies):
        connect().ok(f"MPUB {topic}\n".encode() + batch(*bodies))

    return some


@pytest.fixture
def topic(request):
    """Name a topic that is this test's alone."""
    return request.node.originalname[-60:]


@pytest.fixture
def make(kind):
    """Start brokers of one's own, ended at the end."""
    kinds = {"nsqd": Nsqd, "nsqlookupd": NsqLookupd}
    with ExitStack() as stack:

        def one(name="nsqd", **arguments):
            return stack.enter_context(kinds[name](**arguments))

        yield one
