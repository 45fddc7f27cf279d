"""The command runs as people run it: in a process of its own."""

import json
import signal
import subprocess
import sys
import time

import pytest


def task(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
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


def test_nothing_is_left_behind_when_it_is_told_to_end(tmp_path):
    """`timeout 10 task bench` is no reason to keep its topics."""
    pytest.importorskip("task_bus_sqlite")

    def topics():
        return json.loads(
            task(tmp_path, "topics", "--bus", "sqlite:x.db", "--json").stdout
        )

    words = ("bench", "--bus", "sqlite:x.db", "--count", "1000000")
    with subprocess.Popen(
        [sys.executable, "-m", "task_core", *words],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    ) as bench:
        end = time.monotonic() + 60
        while not ((tmp_path / "x.db").exists() and topics()):
            assert time.monotonic() < end
            time.sleep(0.1)
        bench.terminate()
        bench.wait(60)
    assert bench.returncode == -signal.SIGTERM
    assert topics() == []


def test_a_bus_that_cannot_acknowledge_is_refused(tmp_path):
    """Before anything is sent: the figures would mean nothing."""
    done = task(tmp_path, "bench", "--bus", "stdio", "--count", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not offer 'ack'" in done.stderr
    assert "Traceback" not in done.stderr


def test_options_may_stand_in_the_file_and_in_the_environment(tmp_path, monkeypatch):
    """As those of every command: flags first, then variables, then the file."""
    (tmp_path / "task.toml").write_text('[bench]\nbus = "memory"\ncount = 50\n')
    assert "50 messages each" in task(tmp_path, "bench").stdout
    monkeypatch.setenv("TASK_BENCH_COUNT", "60")
    assert "60 messages each" in task(tmp_path, "bench").stdout
    assert "70 messages each" in task(tmp_path, "bench", "--count", "70").stdout


def test_a_mistyped_key_of_its_table_is_refused(tmp_path):
    """With its line, and the nearest."""
    (tmp_path / "task.toml").write_text("[bench]\ncoutn = 50\n")
    done = task(tmp_path, "bench", "--bus", "memory")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "task: task.toml, line 2: `task bench` has no option 'coutn': did you mean"
        " 'count'?\n"
    )


def test_a_mistyped_variable_is_refused(tmp_path, monkeypatch):
    """As a key of the table is, and as a variable of the commands of the core."""
    monkeypatch.setenv("TASK_BENCH_COUTN", "50")
    done = task(tmp_path, "bench", "--bus", "memory")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "task: environment TASK_BENCH_COUTN: `task bench` has no such option: did you"
        " mean 'TASK_BENCH_COUNT'?\n"
    )
