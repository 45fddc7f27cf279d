"""The command runs as people run it: in a process of its own."""

import json
import subprocess
import sys

import pytest


def task(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_bus_can_be_measured(tmp_path):
    """Six figures, each a rate or a time."""
    done = task(tmp_path, "bench", "--bus", "memory", "--count", "50", "--json")
    figures = json.loads(done.stdout)
    assert len(figures) == 6
    assert all(figure["value"] > 0 for figure in figures)


def test_nothing_is_left_behind(tmp_path):
    """Neither messages nor topics."""
    pytest.importorskip("task_bus_sqlite")
    done = task(tmp_path, "bench", "--bus", "sqlite:x.db", "--count", "50")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("BUS sqlite")
    topics = task(tmp_path, "topics", "--bus", "sqlite:x.db", "--json").stdout
    assert json.loads(topics) == []


def test_a_bus_that_cannot_acknowledge_is_refused(tmp_path):
    """Before anything is sent: the figures would mean nothing."""
    done = task(tmp_path, "bench", "--bus", "stdio", "--count", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not offer 'ack'" in done.stderr
    assert "Traceback" not in done.stderr
