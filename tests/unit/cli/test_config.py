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


def test_what_is_right_is_shown_although_something_is_wrong(task):
    """It is how one finds out."""
    done = task("config", "show", "-c", "x", "--max-tasks", "7")
    assert done.code == 2
    assert rows(done.out)["launch.max_tasks"] == ["7", "--max-tasks"]
    assert done.err == "task: --concurrency: not a whole number: 'x'\n"
