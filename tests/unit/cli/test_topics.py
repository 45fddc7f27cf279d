"""Rules of `task_core.cli.topics`."""

import json

import pytest
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api.bus import BusContext
from task_core.api.message import Message

BUS = ("--bus", "sqlite")


@pytest.fixture
def bus(folder):
    """The database in the current folder, with three messages on two topics."""
    opened = sqlite.open(SqliteOptions(), BusContext())
    topics = ("load", "load", "check")
    opened.producer().send([Message(topic, b"x") for topic in topics])
    yield opened
    opened.close()


@pytest.mark.usefixtures("bus")
def test_topics_are_listed_with_what_waits(task):
    """In order of their names."""
    lines = task("topics", *BUS).out.splitlines()
    assert [line.split() for line in lines] == [
        ["TOPIC", "WAITING"],
        ["check", "1"],
        ["load", "2"],
    ]


def test_a_name_of_a_topic_stays_on_its_line(task, bus):
    """Anybody may choose it."""
    bus.producer().send([Message("a\nb\x1b[2J", b"x")])
    lines = task("topics", *BUS).out.splitlines()
    assert lines[1].split() == ["a\\nb\\x1b[2J", "1"]


def test_messages_are_counted_on_the_channel_of_the_launcher(task, bus):
    """That is named like the topic, unless another one is named."""
    bus.subscribe("load", "load").receive(1, 0)
    bus.subscribe("load", "audit")
    told = json.loads(task("topics", *BUS, "--json").out)
    assert told[1] == {"topic": "load", "waiting": 1}
    audit = json.loads(task("topics", *BUS, "--channel", "audit", "--json").out)
    assert audit[1] == {"topic": "load", "waiting": 0}


def test_a_bus_without_topics_is_refused(task):
    """A pipe has none; nothing is printed."""
    done = task("topics")
    assert (done.code, done.out) == (2, "")
    refusal = "task: bus 'stdio' cannot do this: it does not offer 'topics'; choose"
    assert done.err.startswith(refusal)
