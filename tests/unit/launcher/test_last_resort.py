"""Rules of `task_core.launcher.last_resort`: real processes, real signals."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LIMIT = 30

PROGRAM = """
import os, re, threading, time
from task_core.launcher.signals import Supervisor

class Launcher:
    def __init__(self):
        self.stopped = threading.Event()

    def run(self):
        print("running", flush=True)
        {work}

    def stop(self):
        self.stopped.set()

Supervisor(Launcher(), kill_time={kill_time}).run()
print("ended", flush=True)
{after}
"""
FREEZE = "re.match('(a+)+b', 'a' * 40)"


@pytest.fixture
def start():
    """Start a program that runs a supervisor; wait until its bus thread works."""
    with contextlib.ExitStack() as stack:

        def start(work, kill_time, after=""):
            code = PROGRAM.format(work=work, kill_time=kill_time, after=after)
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", code],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            assert process.stdout.readline() == "running\n"
            return process

        yield start


def until_it_hangs():
    """Let a program come from its first line to its regular expression."""
    time.sleep(0.5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_is_frozen_before_a_signal_ends_with_the_kill_time(start, number):
    """Also where no lease would bring back what it holds; it says where it hung."""
    process = start(FREEZE, 1.0)
    until_it_hangs()
    process.send_signal(number)
    _, told = process.communicate(timeout=LIMIT)
    assert process.returncode == -signal.SIGQUIT
    assert "told to stop, and heard nothing" in told
    assert "in match" in told
    assert "in run" in told


def test_what_is_frozen_ends_at_once_after_a_second_signal(start):
    """As everything else does."""
    process = start(FREEZE, 3600.0)
    until_it_hangs()
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LIMIT)
    assert process.returncode == -signal.SIGQUIT


def test_who_hears_is_left_alone_however_long_a_stop_takes(start):
    """Only a signal that nobody has heard is a sign."""
    process = start("self.stopped.wait(); time.sleep(3)", 0.5)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=LIMIT)[0] == "ended\n"
    assert process.returncode == 0


def test_a_stopped_launcher_leaves_no_process_behind(start):
    """The one that watched is gone, and waited for."""
    after = "try: os.waitpid(-1, 0)\nexcept ChildProcessError: print('alone')"
    process = start("self.stopped.wait()", 5.0, after)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=LIMIT)[0] == "ended\nalone\n"


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_the_watcher_ends_with_a_launcher_that_is_killed(start):
    """Whatever ended it."""
    process = start("self.stopped.wait()", 5.0)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    watcher = int(children)
    process.kill()
    process.communicate(timeout=LIMIT)
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and _lives(watcher):
        time.sleep(0.05)
    assert not _lives(watcher)


def _lives(process):
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
