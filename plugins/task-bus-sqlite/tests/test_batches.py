"""Batches of a taskmaster over SQLite: killed in the middle, nothing is lost."""

import signal
import subprocess
import sys
import time

from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import (
    BusContext,
    Message,
    Task,
    decode_dead,
    decode_task,
    encode_task,
)

MASTER = """
import os
from task_core.api import Task, taskmaster

@taskmaster
def sums(ctx):
    for tasks in ctx.batches("load", "sums", limit=50, wait=0):
        if any(task.info == "kill" for task in tasks):
            os._exit(9)
        ctx.send_all((Task.new("sum", task.info), None) for task in tasks)
"""
LIMIT = 240


def test_a_task_that_kills_takes_no_other_along(tmp_path):
    """The others of its batch come again alone; only it ends on the dead topic."""
    (tmp_path / "sums.py").write_text(MASTER)
    path = str(tmp_path / "bus.db")
    bus = sqlite.open(SqliteOptions(path=path), BusContext())
    bus.subscribe("load", "sums").close()
    readers = {name: bus.subscribe(name, "test") for name in ("sum", "load.dead")}
    infos = [str(number) for number in range(150)]
    tasks = [Task.new("load", info) for info in (*infos[:70], "kill", *infos[70:])]
    bus.producer().send([Message("load", encode_task(task)) for task in tasks])
    words = ["launch", "--taskmaster", "./sums.py:sums", "--bus", f"sqlite://{path}"]
    command = [sys.executable, "-m", "task_core", *words, "--lease", "2s"]
    found = {"sum": [], "load.dead": []}
    deadline = time.monotonic() + LIMIT
    process = subprocess.Popen(command, cwd=tmp_path)
    try:
        while len(found["sum"]) < 150 or not found["load.dead"]:
            assert time.monotonic() < deadline
            if process.poll() is not None:
                assert process.returncode == 9
                process = subprocess.Popen(command, cwd=tmp_path)
            for name, reader in readers.items():
                deliveries = reader.receive(100, 0.1)
                found[name] += [one.body for one in deliveries]
                reader.ack(deliveries)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        bus.close()
    assert sorted(decode_task(body).info for body in found["sum"]) == sorted(infos)
    (letter,) = map(decode_dead, found["load.dead"])
    assert decode_task(letter.original).info == "kill"
