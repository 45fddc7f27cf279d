"""Installed hook plugins watch and steer a real launcher, and cannot break it."""

import json
import os
import subprocess
import sys

from task_testing.dists import write_distribution

LINES = '{"type":"echo","info":"a"}\n{"type":"echo","info":"b"}\n'


def launch(site, **hooks):
    for name, source in hooks.items():
        write_distribution(
            site,
            f"task-hooks-{name}",
            entry_points={"task_core.hooks": {name: f"hooks_{name}"}},
            modules={f"hooks_{name}": f"from task_core.api import *\n{source}"},
        )
    done = subprocess.run(
        [sys.executable, "-m", "task_core", "launch", "--worker", "echo"],
        env={**os.environ, "PYTHONPATH": str(site)},
        input=LINES,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    tasks = [json.loads(line) for line in done.stdout.splitlines()]
    return sorted(task["msg"] for task in tasks), done.stderr


def test_an_observer_hears_of_every_task(tmp_path):
    """With the task and its outcome; what it prints is no data."""
    source = (
        "@hookimpl\n"
        "def task_finished(task, outcome):\n"
        "    print('heard', task.info, outcome.result)\n"
    )
    messages, log = launch(tmp_path, watch=source)
    assert messages == ["a", "b"]
    assert "heard a complete" in log
    assert "heard b complete" in log


def test_what_a_hook_plugin_prints_when_imported_is_no_data(tmp_path):
    """A banner must not be taken for a done task."""
    source = "print('a banner')\n@hookimpl\ndef task_settled(task):\n    pass\n"
    messages, log = launch(tmp_path, loud=source)
    assert messages == ["a", "b"]
    assert "a banner" in log


def test_a_failing_observer_harms_no_task(tmp_path):
    """It is logged by name, that is all."""
    source = "@hookimpl\ndef task_finished(task):\n    1 / 0\n"
    messages, log = launch(tmp_path, bad=source)
    assert messages == ["a", "b"]
    assert "hooks 'bad' of task-hooks-bad 1.0: task_finished failed" in log


def test_a_decider_takes_the_place_of_the_worker(tmp_path):
    """For the tasks that it has an answer for."""
    source = (
        "@hookimpl\n"
        "def task_should_run(task):\n"
        "    return complete('skipped') if task.info == 'a' else None\n"
    )
    assert launch(tmp_path, gate=source)[0] == ["b", "skipped"]


def test_a_hook_plugin_that_cannot_be_loaded_is_left_out(tmp_path):
    """With a warning; the launcher runs without it."""
    messages, log = launch(tmp_path, broken="import no_such_module\n")
    assert messages == ["a", "b"]
    assert "left out: hooks 'broken' of task-hooks-broken 1.0" in log
    assert "it needs the module 'no_such_module'" in log


def test_what_a_command_sends_is_told_and_may_be_changed(tmp_path):
    """As what a launcher sends."""
    source = (
        "from task_core.api import *\n"
        "@hookimpl\n"
        "def task_before_send(task, topic):\n"
        "    return Task.new(task.type, f'{task.info} to {topic}')\n"
        "@hookimpl\n"
        "def task_sent(messages):\n"
        "    print('heard', len(messages))\n"
    )
    write_distribution(
        tmp_path,
        "task-hooks-watch",
        entry_points={"task_core.hooks": {"watch": "hooks_watch"}},
        modules={"hooks_watch": source},
    )
    done = subprocess.run(
        [sys.executable, "-m", "task_core", "send", "load", "a"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["info"] == "a to load"
    assert "heard 1" in done.stderr


def test_an_observer_that_leaves_harms_no_task(tmp_path):
    """Nor one that raises what only asyncio may."""
    source = (
        "import asyncio, sys\n"
        "@hookimpl\n"
        "def task_finished(task):\n"
        "    raise asyncio.CancelledError\n"
        "@hookimpl\n"
        "def task_settled(task):\n"
        "    sys.exit(3)\n"
    )
    messages, log = launch(tmp_path, bad=source)
    assert messages == ["a", "b"]
    assert "task_finished failed: CancelledError" in log
    assert "task_settled failed: SystemExit: 3" in log
