"""Rules of `--prefix`: every command of an environment sees its topics alone."""

import json

import pytest

from task_core import connect
from task_core.cli import command_options
from task_core.cli.commands import COMMANDS
from task_core.cli.launch_options import SECTION
from task_core.cli.main import cli
from task_core.config.bus import ANY
from task_core.config.sources import Section

BUS = ("--bus", "sqlite")
TASKMASTER = """
from task_core.api import Task, taskmaster

@taskmaster
def maker(ctx):
    for number, task in enumerate(ctx.deliveries("made", "maker")):
        if number:
            return
        ctx.send(Task.new("greeted", task.info))
"""
WORKER = """
from task_core.api import Task, worker

@worker(retries=1, retry_delay="0s")
def load(info, ctx):
    if info == "bad" and "retry" not in ctx.task.meta:
        raise ValueError("once")
    ctx.send(Task.new("child", info))
    return info
"""


def topics(task):
    """Return all topics of the bus, as they are called on it."""
    rows = json.loads(task("topics", *BUS, "--json").out)
    return {row["topic"] for row in rows}


def test_every_command_with_a_bus_has_the_option():
    """Set by flag, environment or TOML, as the bus is."""
    own = [x for x in vars(command_options).values() if isinstance(x, Section)]
    for section in (*own, SECTION, ANY):
        assert {"bus", "prefix"} <= {spec.name for spec in section.specs}
    for name in COMMANDS:
        command = cli.get_command(cli.make_context("task", ["plugins"]), name)
        for one in getattr(command, "commands", {"": command}).values():
            flags = {flag for param in one.params for flag in param.opts}
            assert ("--bus" in flags) == ("--prefix" in flags), name


@pytest.fixture(params=["flag", "environment", "TOML"])
def staging(request, task, folder, monkeypatch):
    """Run a command under the prefix, however that is said."""
    if request.param == "environment":
        monkeypatch.setenv("TASK_PREFIX", "staging.")
    if request.param == "TOML":
        (folder / "staging.toml").write_text('[task]\nprefix = "staging."\n')
    say = {
        "flag": ("--prefix", "staging."),
        "TOML": ("--config", "staging.toml"),
        "environment": (),
    }[request.param]
    yield lambda *words: task(*words, *BUS, *say)
    monkeypatch.delenv("TASK_PREFIX", raising=False)


def test_all_commands_keep_to_their_topics(staging, task, folder, monkeypatch):
    """What is sent, read, retried, dead, redriven, and made by taskmasters."""
    (folder / "work.py").write_text(WORKER)
    (folder / "masters.py").write_text(TASKMASTER)
    assert staging("send", "load", "good").code == 0
    assert staging("send", "load", "bad").code == 0
    assert staging("send", "made", "x").code == 0
    assert staging("send", "made", "y").code == 0
    assert staging("launch", "--taskmaster", "masters.py:maker").code == 0
    done = staging("launch", "--worker", "work.py:load", "--max-tasks", "3")
    assert done.code == 0
    rows = staging("tail", "done").out.splitlines()
    assert [json.loads(row)["info"] for row in rows] == ["good", "bad"]
    shown = json.loads(staging("topics", "--json").out)
    expected = {"load", "done", "child", "made", "greeted"}
    assert {row["topic"] for row in shown} == expected
    monkeypatch.delenv("TASK_PREFIX", raising=False)
    assert topics(task) == {f"staging.{name}" for name in expected}


def test_dead_letters_stay_in_their_environment(staging, task, folder, monkeypatch):
    """Where they go, where they are looked for, and where they go back to."""
    with connect("sqlite", prefix="staging.") as tasks:
        tasks.send("", "not for the worker", topic="load")
    assert staging("launch", "-w", "echo", "-t", "load", "--max-tasks", "1").code == 0
    raw = b"nope\n"
    from task_bus_sqlite.plugin import sqlite

    from task_core.api.bus import BusContext
    from task_core.api.message import Message

    bus = sqlite.open(sqlite.options(path="task.db"), BusContext())
    bus.producer().send([Message("staging.load", raw)])
    bus.close()
    assert staging("launch", "-w", "echo", "-t", "load", "--max-tasks", "1").code == 0
    (letter,) = json.loads(staging("dead", "list", "load", "--json").out)
    assert letter["topic"] == "load"
    assert "1 sent back" in staging("dead", "redrive", "load", "--yes").err
    monkeypatch.delenv("TASK_PREFIX", raising=False)
    assert topics(task) == {"staging.load", "staging.done", "staging.load.dead"}


def test_clients_waiting_and_benchmarks_keep_to_it_too(task, folder):
    """Each in its own way of saying it."""
    with connect("sqlite", prefix="staging.") as tasks:
        tasks.send("load", "a")
        (read,) = tasks.read("load", channel="x", timeout=0.1)
    assert read.info == "a"
    assert (
        "1 of 1 not done"
        in task("send", "load", "b", *BUS, "--prefix", "staging.", "--wait", "10ms").err
    )
    figures = task("bench", *BUS, "--prefix", "staging.", "--count", "5", "--json")
    assert figures.code == 0
    assert topics(task) == {"staging.load"}


def test_a_client_may_say_that_there_is_none(task, folder, monkeypatch):
    """Stronger than the environment."""
    monkeypatch.setenv("TASK_PREFIX", "staging.")
    with connect("sqlite", prefix="") as tasks:
        tasks.send("a")
    with connect("sqlite") as tasks:
        tasks.send("b")
    monkeypatch.delenv("TASK_PREFIX")
    assert topics(task) == {"a", "staging.b"}
