"""Brokers as pytest fixtures: `pytest -p brokers.fixtures`, or `pytest_plugins`.

Each is started once, when the first test asks for it, and shared by all: tests use
topics of their own. A test that stops or restarts a broker makes one for itself.
Where there is no such broker the test is skipped and says why; it fails instead where
`BROKERS_REQUIRED=1` says that brokers must be there.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn, TypeVar

import pytest

from brokers.given import (
    Given,
    GivenAt,
    GivenKafka,
    GivenNsqd,
    NotOursError,
    given_kafka,
    given_nats,
    given_nsqd,
    given_postgres,
    given_redis,
)
from brokers.kafka import Kafka
from brokers.kafka_jars import VERSION, check
from brokers.nats import Nats
from brokers.nsq import Nsqd, NsqLookupd, implementation
from brokers.postgres import Postgres
from brokers.process import Broker, BrokerError, BrokerMissingError
from brokers.redis import Redis

T = TypeVar("T", bound=Broker | Given)
_used = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def nsqd(pytestconfig: pytest.Config) -> Iterator[Nsqd | GivenNsqd]:
    """One nsqd: the developer's (`TASK_TEST_NSQD`), or one that is started."""
    with _running(pytestconfig, lambda: given_nsqd() or Nsqd()) as broker:
        yield broker


@pytest.fixture(scope="session")
def nsqlookupd(pytestconfig: pytest.Config) -> Iterator[NsqLookupd]:
    """One nsqlookupd, which `two_nsqds` tell what they have."""
    _only_ours()
    with _running(pytestconfig, NsqLookupd) as broker:
        yield broker


@pytest.fixture(scope="session")
def two_nsqds(
    pytestconfig: pytest.Config, nsqlookupd: NsqLookupd
) -> Iterator[tuple[Nsqd, Nsqd]]:
    """Two nsqds, which `nsqlookupd` knows."""
    _only_ours()
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                _running(pytestconfig, lambda: Nsqd(lookupd=[nsqlookupd]))
            )
            for _ in range(2)
        )
        yield first, second


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[Kafka | GivenKafka]:
    """One Kafka: the developer's (`TASK_TEST_KAFKA`), or one that is started."""
    with _running(pytestconfig, lambda: given_kafka() or Kafka()) as broker:
        yield broker


@pytest.fixture(scope="session")
def redis(pytestconfig: pytest.Config) -> Iterator[Redis | GivenAt]:
    """One Redis: the developer's (`TASK_TEST_REDIS`), or one that is started."""
    with _running(pytestconfig, lambda: given_redis() or Redis()) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Postgres | GivenAt]:
    """One PostgreSQL: the developer's (`TASK_TEST_POSTGRES`), or one of ours."""
    with _running(pytestconfig, lambda: given_postgres() or Postgres()) as broker:
        yield broker


@pytest.fixture(scope="session")
def nats(pytestconfig: pytest.Config) -> Iterator[Nats | GivenAt]:
    """One NATS: the developer's (`TASK_TEST_NATS`), or one that is started."""
    with _running(pytestconfig, lambda: given_nats() or Nats()) as broker:
        yield broker


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Skip the rest of a test that would stop a broker that is not ours."""
    try:
        yield
    except NotOursError as error:
        _absent(str(error))


def pytest_report_header() -> str:
    """Tell which brokers would run."""
    kinds = (
        (given_nsqd, lambda: implementation("nsqd")),
        (given_kafka, _kafka_here),
        (given_redis, Redis.here),
        (given_postgres, Postgres.here),
        (given_nats, Nats.here),
    )
    return f"brokers: {', '.join(_told(*it) for it in kinds)}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tell which brokers ran."""
    if used := config.stash.get(_used, []):
        terminalreporter.write_line(f"brokers: {', '.join(dict.fromkeys(used))}")


@contextmanager
def _running(config: pytest.Config, make: Callable[[], T]) -> Iterator[T]:
    broker, missing = None, ""
    try:
        broker = make()
        told = broker.implementation
        broker.start()
    except BrokerMissingError as error:
        missing = str(error)
    try:
        if broker is None or missing:
            _absent(missing)
        config.stash.setdefault(_used, []).append(told)
        yield broker
    finally:
        if broker is not None:
            broker.close()


def _only_ours() -> None:
    if os.environ.get("TASK_TEST_NSQD"):
        _absent("TASK_TEST_NSQD names one nsqd; this test needs some of its own")


def _absent(reason: str) -> NoReturn:
    if os.environ.get("BROKERS_REQUIRED") == "1":
        pytest.fail(f"BROKERS_REQUIRED=1, but: {reason}", pytrace=False)
    pytest.skip(reason)


def _told(given: Callable[[], Given | None], here: Callable[[], str]) -> str:
    try:
        named = given()
        return named.implementation if named else here()
    except BrokerError as error:
        return f"none ({str(error).splitlines()[0]})"


def _kafka_here() -> str:
    check()
    return f"Kafka {VERSION}"
