"""Rules of `task_core.api.ending`: real processes, real signals."""

import json
import signal
import subprocess
import sys
import time

import pytest

LIMIT = 30


def start(folder, *words):
    return subprocess.Popen(
        [sys.executable, "-m", "task_core", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def channels(task):
    listed = json.loads(task("topics", "--bus", "sqlite", "--json").out)
    return [one["channel"] for one in listed if one["channel"]]


def await_channel(task):
    """Wait until another process reads, which tells nobody."""
    end = time.monotonic() + LIMIT
    while not channels(task) and time.monotonic() < end:
        time.sleep(0.1)
    assert len(channels(task)) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_who_follows_and_is_told_to_end_leaves_no_channel(task, folder, number):
    """`timeout 10 task tail -f` is no reason to keep messages."""
    task("send", "load", "1", "--bus", "sqlite")
    with start(folder, "tail", "load", "--follow", "--bus", "sqlite") as tail:
        await_channel(task)
        task("send", "load", "2", "--bus", "sqlite")
        assert json.loads(tail.stdout.readline())["info"] == "2"
        tail.send_signal(number)
        tail.communicate(timeout=LIMIT)
    assert tail.returncode == (130 if number == signal.SIGINT else -number)
    assert channels(task) == []


def test_who_waits_for_what_it_sent_leaves_no_channel_either(task, folder):
    """`task send --wait` listens on a channel of its own."""
    task("send", "load", "1", "--bus", "sqlite")
    words = ("send", "load", "2", "--wait", "60s", "--bus", "sqlite")
    with start(folder, *words) as send:
        await_channel(task)
        send.terminate()
        send.communicate(timeout=LIMIT)
    assert send.returncode == -signal.SIGTERM
    assert channels(task) == []
