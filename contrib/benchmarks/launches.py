"""How many tasks a second `task launch` does on a bus, start and end aside."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stopwatch import rate
from yardstick import Yardstick

from task_core import connect
from task_core.api import Task

HERE = Path(__file__).parent
INFO = "s3://bucket/2026/01/01/file.json?dest=x&threads=4"
LAUNCHES = {
    "strictly lazy": ("plain", 1, ("--prefetch", "0")),
    "one slot": ("plain", 1, ()),
    "8 threads": ("plain", 1, ("-c", "8")),
    "8 at once, async def": ("coroutine", 1, ("-c", "8")),
    "2 processes": ("plain", 1, ("-c", "2", "--pool", "process")),
    "2 launchers": ("plain", 2, ()),
}
"""By name: the worker, how many launchers, and what else they are told."""
WARM = 2.0
"""Seconds until a launcher that waits has nothing left to do."""


def launch(yardstick: Yardstick, name: str, count: int) -> float:
    """Send tasks, let launchers do them, and return the tasks a second."""
    worker, launchers, flags = LAUNCHES[name]
    with connect(yardstick.url) as tasks:
        tasks.send_many([Task.new(worker, INFO) for _ in range(count)])
    with tempfile.TemporaryDirectory() as folder:
        here = {**os.environ, "STOPWATCH": folder}
        command = [*_launch(yardstick, worker), "--drain", *flags]
        processes = [
            subprocess.Popen(command, env=here, stderr=subprocess.PIPE)
            for _ in range(launchers)
        ]
        for process in processes:
            _, told = process.communicate(timeout=300)
            assert process.returncode == 0, told.decode()
        return rate(Path(folder), count)


def idle(yardstick: Yardstick, seconds: float) -> tuple[float, float]:
    """Return what a launcher takes that waits: percent of a core, and megabytes."""
    command = [*_launch(yardstick, "plain"), "--topic", "nothing"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the line that says that it has started
        time.sleep(WARM)
        before = _cpu(process.pid)
        time.sleep(seconds)
        used = _cpu(process.pid) - before
        status = Path(f"/proc/{process.pid}/status").read_text()
        kilobytes = int(status.split("VmRSS:")[1].split()[0])
        process.terminate()
        process.communicate()
    return 100 * used / seconds, kilobytes / 1000


def _launch(yardstick: Yardstick, worker: str) -> list[str]:
    place = f"{HERE}/stopwatch.py:{worker}"
    start = [sys.executable, "-m", "task_core", "launch", "--worker", place]
    return [*start, "--bus", yardstick.url]


def _cpu(pid: int) -> float:
    """Return the seconds of processors that a process has used.

    By the scheduler's own clock: ticks miss or overrate who works for microseconds.
    """
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(it.read_text().split()[0]) for it in threads) / 1e9
