"""The command runs as people run it: in a process of its own."""

import re
import subprocess
import sys

from task_command_demo import screen


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
    """Every task of it is done, reported or a dead letter."""
    done = task(tmp_path, "demo", "--seconds", "5")
    assert done.returncode == 0, done.stderr
    assert "no tasks were lost" in done.stdout
    assert re.search(r"1 error, 1 dead; [56] workers were killed", done.stdout)


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
