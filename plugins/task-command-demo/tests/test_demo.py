"""The command runs as people run it: in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from task_command_demo import demo as module
from task_command_demo import screen
from task_command_demo.demo import Demo


def task(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_demonstration_ends_well(tmp_path):
    """Every task of it is done, reported or a dead letter, were it some time later."""
    done = task(tmp_path, "demo", "--seconds", "2.1")
    assert done.returncode == 0, done.stderr
    assert "no tasks were lost" in done.stdout
    assert re.search(r"1 error, 1 dead; [56] workers were killed", done.stdout)


def test_what_is_due_is_sent_however_late(monkeypatch):
    """A machine that stands still at the end must not leave out the task that kills."""
    now, sent = [0.0], []
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    demo = Demo.__new__(Demo)
    demo._screen = screen.Screen()
    demo._processes = SimpleNamespace(stop_taskmaster=lambda: None)
    demo._send = sent.append
    demo._watch = lambda: now.append(now.pop() + 1.9)
    demo.run(2.1, has_cron=True)
    assert sent == ["fail", "kill"]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (3, "no tasks were lost"),
        (4, "1 task is still in work"),
        (5, "2 tasks are still in work"),
    ],
)
def test_what_is_not_done_yet_is_not_told_as_lost(sent, told):
    """Nothing was: it would have been done."""
    demo = Demo.__new__(Demo)
    demo._screen, demo._processes = screen.Screen(), SimpleNamespace(deaths=5)
    demo._screen.counts |= {"sent": sent, "complete": 1, "error": 1, "dead": 1}
    assert demo.summary().endswith(f"5 workers were killed and replaced, {told}")


def at_work_in(folder):
    """Return the numbers of the processes that are in a folder."""
    found = set()
    for one in Path("/proc").glob("[0-9]*"):
        try:
            if folder in Path(os.readlink(one / "cwd")).parents:
                found.add(int(one.name))
        except OSError:
            pass  # it has just ended, or is not ours to look at
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_whoever_tells_it_to_end_finds_nothing_left(tmp_path, number):
    """Neither processes, which would go on for ever, nor the folder."""
    with subprocess.Popen(
        [sys.executable, "-m", "task_core", "demo", "--seconds", "300"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        assert any("complete" in line for line in demo.stdout)
        processes = at_work_in(tmp_path)
        demo.send_signal(number)
        demo.communicate(timeout=60)
    assert len(processes) >= 2
    assert demo.returncode == (130 if number == signal.SIGINT else -number)
    end = time.monotonic() + 60  # what watched over them ends by itself, after them
    while at_work_in(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    assert at_work_in(tmp_path) == set()
    assert [*tmp_path.iterdir()] == []


def test_a_wrong_length_is_one_line(tmp_path):
    """As for every command."""
    done = task(tmp_path, "demo", "--seconds", "0")
    assert done.returncode == 2
    assert "x>=1" in done.stderr


def test_a_terminal_that_only_prints_gets_no_colours(monkeypatch):
    """It would show the codes."""
    monkeypatch.setattr(screen.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert screen.style("done", bold=True) != "done"
    monkeypatch.setenv("TERM", "dumb")
    assert screen.style("done", bold=True) == "done"
