"""Rules of `task_core.cli.letters`: which dead letters there are for a command."""

import pytest
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.cli.letters import CHANNEL
from task_core.dead import DeadLetter, encode_dead

BUS = ("load", "--bus", "sqlite")
TOLD = "1 held by others: back within 30s if these have died\n"


@pytest.fixture
def holder(folder):
    """A bus in the current folder that holds one of two letters of `load`."""
    bus = sqlite.open(SqliteOptions(), BusContext())
    letter = encode_dead(DeadLetter(reason="no", topic="load"), b"x")
    bus.producer().send([Message("load.dead", letter)] * 2)
    assert bus.subscribe("load.dead", CHANNEL).receive(1, 0)
    yield bus
    bus.close()


def test_letters_that_others_hold_are_told(task, holder):
    """By a command that was killed, perhaps: to see none is not to have none."""
    for command in ("list", "show", "drop", "redrive"):
        done = task("dead", command, *BUS)
        assert (done.code, done.out.count("no")) == (0, 1)
        assert done.err.endswith(TOLD)
    for command, text in ("drop", "1 dropped"), ("redrive", "0 sent back"):
        done = task("dead", command, *BUS, "--yes")
        assert (done.code, done.err) == (1, f"{text}\n{TOLD}")
    done = task("dead", "list", *BUS)
    assert (done.code, done.out, done.err) == (0, "", TOLD)


def test_letters_that_others_have_given_back_are_there(task, holder):
    """Nobody holds any."""
    holder.close()
    done = task("dead", "redrive", *BUS, "--yes")
    assert (done.code, done.err) == (0, "2 sent back\n")
    assert task("dead", "list", *BUS).err == "no dead letters\n"
