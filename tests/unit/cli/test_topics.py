"""Rules of `task_core.cli.topics`."""

import json

import pytest
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.errors import BusConnectionError

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
    """In order of their names; they have no channels yet."""
    lines = task("topics", *BUS).out.splitlines()
    assert [line.split() for line in lines] == [
        ["TOPIC", "CHANNEL", "WAITING", "HELD"],
        ["check", "1"],
        ["load", "2"],
    ]


def test_a_name_of_a_topic_stays_on_its_line(task, bus):
    """Anybody may choose it."""
    bus.producer().send([Message("a\nb\x1b[2J", b"x")])
    lines = task("topics", *BUS).out.splitlines()
    assert lines[1].split() == ["a\\nb\\x1b[2J", "1"]


def test_each_channel_tells_what_waits_and_what_somebody_holds(task, bus):
    """Nothing is done when all of it is held by somebody who died."""
    bus.subscribe("load", "load").receive(1, 0)
    bus.subscribe("load", "audit")
    told = json.loads(task("topics", *BUS, "--json").out)
    audit = {"topic": "load", "channel": "audit", "waiting": 0, "held": 0}
    assert told[1:] == [
        audit,
        {"topic": "load", "channel": "load", "waiting": 1, "held": 1},
    ]
    words = ("topics", *BUS, "--channel", "audit", "--json")
    assert json.loads(task(*words).out)[1] == audit


def test_what_nobody_can_count_has_no_number(task, bus, monkeypatch):
    """A part of the bus may be away; the other topics are listed all the same."""
    depth = type(bus)._depth

    def partly(self, topic, channel):
        if topic == "check":
            raise BusConnectionError("not every broker answers: b:1 is away")
        return depth(self, topic, channel)

    monkeypatch.setattr(type(bus), "_depth", partly)
    done = task("topics", *BUS)
    lines = [line.split() for line in done.out.splitlines()]
    assert (done.code, lines[1:]) == (0, [["check"], ["load", "2"]])
    check, load = json.loads(task("topics", *BUS, "--json").out)
    assert (check["waiting"], load["waiting"]) == (None, 2)


def test_deleting_says_first_what_it_would_take_away(task, bus):
    """And does it when told to."""
    bus.subscribe("load", "load")
    bus.subscribe("load", "audit")
    done = task("topics", *BUS, "--delete", "load/audit")
    assert (done.code, "audit" in done.out, "--yes" in done.err) == (0, True, True)
    assert len(bus.channels("load")) == 2
    done = task("topics", *BUS, "--delete", "load/audit", "--yes")
    assert (done.code, done.err) == (0, "1 deleted\n")
    assert [state.name for state in bus.channels("load")] == ["load"]
    task("topics", *BUS, "--delete", "check", "--delete", "load", "--yes")
    assert list(bus.topics()) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("laod", "has no topic 'laod': did you mean 'load'?"),
        ("laod/load", "has no topic 'laod': did you mean 'load'?"),
        ("load/audti", "topic 'load' has no channel 'audti': did you mean 'audit'?"),
        ("check/audit", "topic 'check' has no channel 'audit'; there is none"),
    ],
)
def test_what_is_not_there_cannot_be_deleted(task, bus, name, text):
    """Then nothing is."""
    bus.subscribe("load", "audit")
    done = task("topics", *BUS, "--delete", "check", "--delete", name, "--yes")
    assert (done.code, text in done.err) == (4, True)
    assert list(bus.topics()) == ["check", "load"]


@pytest.mark.parametrize("command", [("tail",), ("dead", "list")])
def test_the_names_that_there_are_stay_in_one_line(task, bus, command):
    """They are escaped as in tables."""
    bus.producer().send([Message("a\tb\nc", b"x")])
    done = task(*command, "wxyz\t", *BUS)
    assert done.code == 4
    text = r"bus 'sqlite' has no topic 'wxyz\t'; there is a\tb\nc, check, load"
    assert done.err == f"task: {text}\n"


def test_the_channels_that_there_are_stay_in_one_line(task, bus):
    """Likewise."""
    bus.subscribe("load", "x\ty")
    done = task("topics", *BUS, "--delete", "load/wwww", "--yes")
    assert r"topic 'load' has no channel 'wwww'; there is x\ty" in done.err


def test_looking_makes_no_file(task, folder):
    """A path with a typing error is told."""
    for words in (("topics",), ("tail", "a"), ("dead", "list", "a")):
        done = task(*words, "--bus", "sqlite:typo.db")
        assert done.code == 4
        assert done.err == "task: bus 'sqlite': there is no file 'typo.db'\n"
        assert not (folder / "typo.db").exists()


def test_a_bus_without_topics_is_refused(task):
    """A pipe has none; nothing is printed."""
    done = task("topics")
    assert (done.code, done.out) == (2, "")
    refusal = "task: bus 'stdio' cannot do this: it does not offer 'topics'; choose"
    assert done.err.startswith(refusal)
