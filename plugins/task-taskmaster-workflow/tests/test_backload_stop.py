"""Rules of backloads that are stopped, and of what a plan and a send say where."""

import contextlib
import json
import subprocess

import pytest
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite
from task_store import InUseError, open_store
from task_taskmaster_workflow.sending import progress_of, save_plan, send_plan
from task_testing import RecordingBus

from task_core.api import BusContext, Task

LOAD = '[[phase]]\ntask = "load"\nmanual = true\ntemplate = "{dd}"\n'
WEEK = ("--from", "2026-01-01", "--to", "2026-01-07")


@pytest.fixture
def task(tmp_path):
    (tmp_path / "shop.toml").write_text(LOAD)

    def run(*words):
        return subprocess.run(
            ["task", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.parametrize(
    "words",
    [
        ("workflow", "run", "shop.toml", "load", "--at", "2026-01-05"),
        ("workflow", "run", "shop.toml", "load", "--bus", "stdout"),
        ("backload", "load", "--path", "shop.toml", *WEEK, "--send"),
    ],
)
def test_tasks_that_go_to_stdout_are_alone_there(task, words):
    """A worker reads them; what is for people is on stderr."""
    done = task(*words)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {it["type"] for it in lines} == {"load"}
    shown = [line for line in done.stderr.splitlines() if "  load  " in line]
    assert len(shown) == len(lines)


def test_why_there_is_nothing_to_send_is_told(task, tmp_path):
    """No row, or no date: of which the hours leave none."""
    words = ("backload", "load", "--path", "shop.toml", *WEEK, "--by", "day")
    done = task(*words, "--on-hours", "6,12")
    text = "there is nothing to send: the hours that are asked for leave no date of"
    assert (done.returncode, text in done.stderr) == (2, True), done.stderr
    (tmp_path / "empty.csv").write_text("shop\n")
    done = task(*words, "--meta-file", "empty.csv")
    assert "there is nothing to send: its file of meta has no rows" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("backload", "load", "--path", "shop.toml", *WEEK),
        ("workflow", "why", "shop.toml", "some-id", "load"),
    ],
)
def test_an_empty_name_of_a_store_is_none_for_commands_too(task, words):
    """As for the taskmaster, whose store it would be."""
    done = task(*words, "--store", "")
    assert done.returncode == 2
    assert done.stderr.count("a store is kept: name a path") == 1


def channels(tmp_path):
    bus = sqlite.open(SqliteOptions(path=str(tmp_path / "bus.db")), BusContext())
    with contextlib.closing(bus):
        return [it.name for it in bus.channels("done")]


def test_cancel_deletes_the_channel_of_a_plan(task, tmp_path):
    """On which all done tasks gather, whoever sends them; without --bus it says so."""
    store = open_store(str(tmp_path / "plans.db"))
    with contextlib.closing(store):
        save_plan(store, "p1", '{"task": "t"}', [Task.new("t"), Task.new("t")], "me")
        store.plans.mark("p1", [0], "sent")
        store.plans.change("p1", "running")
    url = "sqlite:bus.db"
    bus = sqlite.open(SqliteOptions(path=str(tmp_path / "bus.db")), BusContext())
    with contextlib.closing(bus):
        bus.subscribe("done", "backload-p1")
    words = ("backload", "--plan", "p1", "--store", "plans.db", "--cancel")
    told = task(*words).stderr.splitlines()
    assert told[0] == "plan p1 is cancelled: 1 of 2 are sent"
    assert told[1].endswith("the same with --bus URL puts an end to that")
    assert task(*words).stderr.strip().endswith("plan p1 is cancelled")
    assert channels(tmp_path) == ["backload-p1"]
    done = task(*words, "--bus", url)
    assert (done.returncode, done.stderr) == (0, told[0] + "\n")
    assert channels(tmp_path) == []
    assert task(*words, "--bus", url).returncode == 0


def test_a_plan_that_is_all_sent_can_be_cancelled(task, tmp_path):
    """One of its tasks may never be done; one of which all are done cannot."""
    store = open_store(str(tmp_path / "plans.db"))
    with contextlib.closing(store):
        for plan in ("p1", "p2"):
            save_plan(store, plan, '{"task": "t"}', [Task.new("t")], "me")
            store.plans.mark(plan, [0], "sent")
        store.plans.change("p1", "sent")
        store.plans.change("p2", "done")
    words = ("backload", "--store", "plans.db", "--cancel", "--plan")
    done = task(*words, "p1")
    assert (done.returncode, "p1 is cancelled: 1 of 1" in done.stderr) == (0, True)
    done = task(*words, "p2")
    assert (done.returncode, "plan p2 is done" in done.stderr) == (2, True)


def test_who_was_silent_too_long_sends_no_more(tmp_path, monkeypatch):
    """As after a sleep of its machine: its successor sends the rest, once."""
    store = open_store(str(tmp_path / "plans.db"))
    alone, held = store.alone, []

    @contextlib.contextmanager
    def held_alone(name):
        with alone(name) as it:
            held.append(it)
            yield it

    monkeypatch.setattr(store, "alone", held_alone)

    def tell(progress):
        held[0].lost = progress.sent >= 100

    with contextlib.closing(store):
        save_plan(store, "p1", "{}", [Task.new("t") for _ in range(300)], "me")
        bus = RecordingBus()
        with pytest.raises(InUseError, match="another instance has taken its place"):
            send_plan(store, bus, "p1", tell=tell)
        assert len(bus.sent) == 100
        assert progress_of(store, "p1").state == "running", "the other one sends it"
