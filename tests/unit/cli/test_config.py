"""Rules of `task_core.cli.config`."""

import json

import pytest

from task_core.shown import HIDDEN


def rows(text):
    """Return option -> the rest of its line."""
    lines = [line.split() for line in text.splitlines()]
    return {line[0]: line[1:] for line in lines}


def test_every_value_is_shown_with_its_origin(task, folder, monkeypatch):
    """Defaults too."""
    (folder / "task.toml").write_text("[launch]\nmax_tasks = 3\n")
    monkeypatch.setenv("TASK_LAUNCH_RETRIES", "2")
    words = ("-w", "echo", "-c", "4", "--bus", "file://x.json?follow")
    done = task("config", "show", *words)
    assert (done.code, done.err) == (0, "")
    found = rows(done.out)
    assert found["OPTION"] == ["VALUE", "FROM"]
    assert found["launch.concurrency"] == ["4", "--concurrency"]
    assert found["launch.retries"] == ["2", "TASK_LAUNCH_RETRIES"]
    assert found["launch.max_tasks"] == ["3", "task.toml,", "line", "2"]
    assert found["launch.kill_time"] == ["10s", "default"]
    assert found["bus.file.path"] == ["x.json", "URL", "file:"]
    assert found["bus.file.follow"] == ["true", "URL", "file:"]


def test_two_buses_of_one_kind_are_told_apart(task):
    """They share the table of the file."""
    out = task("config", "show", "--in-bus", "file:a", "--out-bus", "file:b").out
    assert "bus.file.path (in-bus) " in out
    assert "bus.file.path (out-bus) " in out


def test_scripts_get_json(task):
    """With the flag that would set it."""
    records = json.loads(task("config", "show", "--bus", "file:a", "--json").out)
    assert {
        "option": "bus.file.path",
        "flag": "--bus-path",
        "value": "a",
        "origin": "URL file:",
    } in records


def test_passwords_are_hidden(task):
    """In both forms."""
    for words in ((), ("--json",)):
        out = task("config", "show", "--bus", "file://u:s3cret@h", *words).out
        assert "s3cret" not in out
        assert HIDDEN in out


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://user:hunter2@h/no/such.db",
        "sqlite:user:hunter2@/no/such/folder/x.db",
        "file://user:hunter2@h/no/such.json",
        "file://user:hun/ter2,x@h",
        "file://user:hunter2 x@h",
        "nsq://user:hunter2@h:1",
        "nsq://user:hunter2/ss@h:1",
        "nsq://user:hunter2,x@h:1",
        "nsq://h:1?auth%5Fsecret=hunter2",
        "nsq://h:1?AUTH_SECRET=hunter2",
        "nsq://h:1?auth-secret=hunter2&nosuch=1",
        "kafka://h:1?settings=sasl.password=hunter2",
        "kafka://u:hunter2@h:1?nosuch=1",
        "nosuch://u:hunter2@h:1",
    ],
)
@pytest.mark.parametrize("words", [("config", "show"), ("tail", "t")])
def test_no_secret_of_a_url_is_shown(task, words, url, monkeypatch):
    """In no table, no error and no traceback."""
    for debug in ("", "1"):
        monkeypatch.setenv("TASK_DEBUG", debug)
        done = task(*words, "--bus", url)
        assert "hunter2" not in done.out + done.err
        assert "ter2" not in done.out + done.err


def test_no_secret_is_shown_of_a_bus_that_is_not_at_work(task, monkeypatch):
    """Nobody loads it, so nobody knows which of its options are secret."""
    monkeypatch.setenv("TASK_BUS", "nsq://h:1?what=hunter2")
    done = task("config", "show", "--in-bus", "file:a", "--out-bus", "memory")
    assert (done.code, done.err) == (0, "")
    assert rows(done.out)["launch.bus"] == [f"nsq:{HIDDEN}", "TASK_BUS"]
    assert rows(done.out)["launch.in_bus"] == ["file:a", "--in-bus"]
    for text in ("nsq", "task-bus-sqlite:sqlite"):
        monkeypatch.setenv("TASK_BUS", text)
        words = ("--in-bus", "file:a", "--out-bus", "memory") if text == "nsq" else ()
        assert rows(task("config", "show", *words).out)["launch.bus"][0] == text


def test_what_is_right_is_shown_although_something_is_wrong(task):
    """It is how one finds out."""
    done = task("config", "show", "-c", "x", "--max-tasks", "7")
    assert done.code == 2
    assert rows(done.out)["launch.max_tasks"] == ["7", "--max-tasks"]
    assert done.err == "task: --concurrency: not a whole number: 'x'\n"


WORKERS = """
from task_core.api import worker

@worker(retries=3, timeout="5m", topic="other", max_memory_per_child="512M")
def busy(info: str): ...

@worker(pool="process")
def lazy(info: str): ...
"""


def test_what_the_worker_declares_is_shown_in_place_of_defaults(task, folder):
    """It is what `task launch` uses; a flag is stronger."""
    (folder / "my.py").write_text(WORKERS)
    found = rows(task("config", "show", "-w", "./my.py:busy", "--timeout", "3s").out)
    assert found["launch.retries"] == ["3", "worker", "busy"]
    assert found["launch.topic"] == ["other", "worker", "busy"]
    assert found["launch.max_memory_per_child"] == ["512M", "worker", "busy"]
    assert found["launch.timeout"] == ["3s", "--timeout"]
    assert found["launch.retry_delay"] == ["1s", "default"]


def test_of_several_workers_each_is_shown(task, folder):
    """What they have in common once."""
    (folder / "my.py").write_text(WORKERS)
    words = ("-w", "./my.py:busy", "-w", "nop", "-w", "./my.py:lazy", "-c", "3")
    out = task("config", "show", *words).out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "launch.retries (busy) 3 worker busy" in lines
    assert "launch.retries (nop) 0 default" in lines
    assert "launch.pool (lazy) process worker lazy" in lines
    assert [one for one in lines if "launch.worker" in one] == [
        "launch.worker ./my.py:busy --worker",
        "launch.worker nop --worker",
        "launch.worker ./my.py:lazy --worker",
    ]
    assert lines.count("launch.concurrency 3 --concurrency") == 1
    assert lines.count("worker.nop.fail_rate 0 default") == 1
    records = json.loads(task("config", "show", *words, "--json").out)
    whose = [one.get("worker") for one in records if one["option"] == "launch.timeout"]
    assert whose == ["busy", "nop", "lazy"]


HOOKS = """
import attrs
from task_core.api import HooksPlugin, hookimpl, option

@attrs.frozen(kw_only=True)
class Options:
    prefix: str = option("-", help="P.")
    token: str = option("", help="T.", secret=True)

def make(options):
    raise AssertionError("nobody is to be made")

plugin = HooksPlugin(name="NAME", summary="S.", options=Options, make=make)
"""


def test_the_options_of_hooks_are_shown(task, folder, install, monkeypatch):
    """Of those that are installed and of those that are given; none is made."""
    install("hooks", "seen", HOOKS.replace("NAME", "seen"))
    (folder / "own.py").write_text(HOOKS.replace("NAME", "own"))
    (folder / "task.toml").write_text("[hooks.own]\nprefix = 'a'\n")
    monkeypatch.setenv("TASK_HOOKS_SEEN_TOKEN", "s3cret")
    done = task("config", "show", "--hooks", "./own.py:plugin")
    assert (done.code, done.err) == (0, "")
    found = rows(done.out)
    assert found["hooks.seen.token"] == [HIDDEN, "TASK_HOOKS_SEEN_TOKEN"]
    assert found["hooks.seen.prefix"] == ["-", "default"]
    assert found["hooks.own.prefix"] == ["a", "task.toml,", "line", "2"]


def test_the_rest_is_shown_when_hooks_are_not_there(task):
    """And then whose fault it is, as for `task launch`."""
    done = task("config", "show", "--hooks", "./no.py", "-c", "3")
    assert rows(done.out)["launch.concurrency"] == ["3", "--concurrency"]
    assert (done.code, done.err) == (2, "task: hooks file './no.py' does not exist\n")


def test_broken_hooks_are_left_out_unless_they_are_required(task, install):
    """As `task launch` does."""
    install("hooks", "broken", "import no_such_client")
    done = task("config", "show")
    assert done.code == 0
    assert done.err.startswith("task: left out: hooks 'broken' of task-hooks-broken")
    done = task("config", "show", "--require-hooks")
    assert done.code == 3
    assert done.err.startswith("task: hooks 'broken' of task-hooks-broken")
