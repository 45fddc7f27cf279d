"""What the documents say about brokers works as written, against brokers.

Addresses in the text stand for those of the brokers that run here. `pip install` checks
that what it names is installed, and `nsqd` that there is one.
"""

import stat

import pytest
from brokers.ports import split
from documents import ROOT, Document

PIP = """#!/usr/bin/env python
import re, sys
from importlib.metadata import distribution
assert sys.argv[1] == "install"
for wanted in sys.argv[2:]:
    distribution(re.split(r"\\[", wanted)[0])
    for extra in re.findall(r"\\[(.*)\\]", wanted):
        assert extra in distribution(wanted.partition("[")[0]).metadata.get_all(
            "Provides-Extra"
        )
"""


@pytest.fixture
def programs(tmp_path):
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in (("pip", PIP), ("nsqd", "#!/bin/sh\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(stat.S_IRWXU)
    return {"PATH": str(folder)}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "here"
    made.mkdir()
    return made


@pytest.fixture
def nsq_environment(two_nsqds, nsqlookupd, programs):
    first, second = two_nsqds
    return {
        **programs,
        "TASK_BUS_NSQ_NSQD": first.tcp,
        "TASK_BUS_NSQ_HTTP": f"{first.http},{second.http}",
    }


@pytest.fixture
def nsq_names(two_nsqds, nsqlookupd):
    first, second = two_nsqds
    names = {"a:4150": first.tcp, "b:4150": second.tcp, "localhost:4150": first.tcp}
    return {**names, "x:4161": nsqlookupd.http, "y:4161": nsqlookupd.http}


@pytest.fixture
def kafka_names(kafka):
    names = ("a:9092,b:9092", "localhost:9092", "a:9092", "b:9092")
    return dict.fromkeys(names, kafka.bootstrap)


@pytest.fixture
def redis_names(redis):
    return {"localhost:6379": redis.address}


@pytest.fixture
def redis_environment(redis, programs):
    host, port = split(redis.address)
    return {**programs, "TASK_BUS_REDIS_HOST": host, "TASK_BUS_REDIS_PORT": str(port)}


@pytest.fixture
def postgres_names(postgres):
    names = ("postgres@localhost:5432", "postgres@localhost")
    return dict.fromkeys(names, f"postgres@{postgres.address}")


@pytest.fixture
def nats_names(nats):
    return {"localhost:4222": nats.address}


@pytest.fixture
def nats_environment(nats, programs):
    host, port = split(nats.address)
    return {**programs, "TASK_BUS_NATS_HOST": host, "TASK_BUS_NATS_PORT": str(port)}


@pytest.mark.parametrize("page", ["README.md", "docs/buses.md"])
def test_commands_with_nsq_work_as_written(page, folder, nsq_names, nsq_environment):
    """The parts that the documents' own test leaves out."""
    document = Document(
        ROOT / page,
        folder,
        marks={"nsq"},
        only_marked=True,
        replace=nsq_names,
        environment=nsq_environment,
    )
    assert document.run() >= 1


@pytest.mark.parametrize("page", ["docs/buses.md"])
def test_commands_with_kafka_work_as_written(page, folder, kafka_names, programs):
    """The parts that the documents' own test leaves out."""
    document = Document(
        ROOT / page,
        folder,
        marks={"kafka"},
        only_marked=True,
        replace=kafka_names,
        environment=programs,
    )
    assert document.run() >= 1


@pytest.mark.parametrize("page", ["docs/buses.md"])
def test_commands_with_redis_work_as_written(
    page, folder, redis_names, redis_environment
):
    """The parts that the documents' own test leaves out."""
    document = Document(
        ROOT / page,
        folder,
        marks={"redis"},
        only_marked=True,
        replace=redis_names,
        environment=redis_environment,
    )
    assert document.run() >= 1


@pytest.mark.parametrize("page", ["docs/buses.md"])
def test_commands_with_postgres_work_as_written(page, folder, postgres_names, programs):
    """The parts that the documents' own test leaves out."""
    document = Document(
        ROOT / page,
        folder,
        marks={"postgres"},
        only_marked=True,
        replace=postgres_names,
        environment=programs,
    )
    assert document.run() >= 1


@pytest.mark.parametrize("page", ["docs/buses.md"])
def test_commands_with_nats_work_as_written(page, folder, nats_names, nats_environment):
    """The parts that the documents' own test leaves out."""
    document = Document(
        ROOT / page,
        folder,
        marks={"nats"},
        only_marked=True,
        replace=nats_names,
        environment=nats_environment,
    )
    assert document.run() >= 1


def test_the_readme_of_nsq_works_as_written(folder, nsq_names, nsq_environment):
    """Its five minutes, and several nsqds."""
    page = ROOT / "plugins/task-bus-nsq/README.md"
    document = Document(page, folder, replace=nsq_names, environment=nsq_environment)
    assert document.run() >= 3


def test_the_readme_of_kafka_works_as_written(folder, kafka_names, programs):
    """Its five minutes, and several brokers."""
    page = ROOT / "plugins/task-bus-kafka/README.md"
    document = Document(page, folder, replace=kafka_names, environment=programs)
    assert document.run() >= 3


def test_the_readme_of_redis_works_as_written(folder, redis_names, redis_environment):
    """Its five minutes."""
    page = ROOT / "plugins/task-bus-redis/README.md"
    document = Document(
        page, folder, replace=redis_names, environment=redis_environment
    )
    assert document.run() >= 2


def test_the_readme_of_nats_works_as_written(folder, nats_names, nats_environment):
    """Its five minutes."""
    page = ROOT / "plugins/task-bus-nats/README.md"
    document = Document(page, folder, replace=nats_names, environment=nats_environment)
    assert document.run() >= 2


def test_the_readme_of_postgres_works_as_written(folder, postgres_names, programs):
    """Its five minutes, and the SQL for who may run it."""
    page = ROOT / "plugins/task-bus-postgres/README.md"
    document = Document(page, folder, replace=postgres_names, environment=programs)
    assert document.run() >= 2
