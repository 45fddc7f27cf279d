"""`task launch --pool process`: real processes, real signals, and what they leave."""

import json
import os
import select
import signal
import subprocess
import sys

import pytest
from cli_lines import line, lines

WORKERS = """
import os, signal, subprocess, sys, threading, time
from task_core.api import *

@worker
def hangs(info: str):
    print("hangs in", os.getpid(), flush=True)
    while True:
        time.sleep(600)

@worker
def dies_late(info: str):
    time.sleep(1.1)
    os._exit(4)

@worker(pool="process", timeout="100ms")
def starts_another(info: str):
    other = subprocess.Popen(["sleep", "600"])
    print("started", other.pid, flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)

@worker
def stuck(info: str):
    threading.Event().wait()

@worker(pool="process", max_tasks_per_child=1)
def declared(info: str):
    return str(os.getpid())

@worker
def forks(info: str):
    child = os.fork()
    if not child:
        os.write(2, b"from a forked child\\n")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(600)
    return str(os.waitpid(child, 0)[1])

@worker
def yields(info: str):
    yield info

@worker
class Broken(Worker):
    def __init__(self):
        raise ValueError("no table")

    def do_task(self, ctx):
        pass
"""
IMPORTS_ITSELF = """
from task_core import open_bus, run_launcher
from task_core.api import worker

@worker
def load(info: str):
    return info

run_launcher(load, open_bus("memory:x"), pool="process", drain=True)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "work.py").write_text(WORKERS)
    (tmp_path / "imports_itself.py").write_text(IMPORTS_ITSELF)
    return tmp_path


def number_after(stream, text):
    """Read lines until one begins with a text; return the number that it ends with."""
    for seen in stream:
        if seen.startswith(text):
            return int(seen.split()[-1])
    raise AssertionError(f"{text!r} never came")


def ends(pid, seconds=60):
    """Whether a process that is no child of ours ends in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT, signal.SIGABRT])
def test_children_die_with_a_launcher_that_is_killed(start, number):
    """Busy ones as well: nobody would ever end them."""
    process = start("launch", "-w", "work.py:hangs", "--pool", "process", "-c", "2")
    process.stdin.write(line("hangs", "1") + line("hangs", "2"))
    process.stdin.flush()
    pids = [number_after(process.stderr, b"hangs in") for _ in range(2)]
    process.send_signal(number)
    assert all(map(ends, pids))


def test_a_stop_ends_children_that_do_not_heed_it(start):
    """After the kill time; the task has its line."""
    flags = ["--pool", "process", "--kill-time", "300ms"]
    process = start("launch", "-w", "work.py:hangs", *flags)
    process.stdin.write(line("hangs", "1"))
    process.stdin.flush()
    pid = number_after(process.stderr, b"hangs in")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert [one["msg"] for one in lines(out)] == [
        "worker forced to close; waited '300ms'"
    ]
    assert ends(pid)


def lasted(done):
    """Whether a done task tells of a run that took more than a second."""
    return done["started"] < done["ended"]


def test_a_task_that_was_forced_to_close_tells_when_it_began(start):
    """Its process cannot tell any more; what had not begun has no start of its own."""
    flags = ["--pool", "process", "--kill-time", "1100ms", "--prefetch", "1"]
    process = start("launch", "-w", "work.py:hangs", *flags)
    process.stdin.write(line("hangs", "1") + line("hangs", "2"))
    process.stdin.flush()
    number_after(process.stderr, b"hangs in")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert {one["info"]: lasted(one) for one in lines(out)} == {"1": True, "2": False}


def test_a_task_whose_process_died_tells_when_it_began(task):
    """And not when that was noticed."""
    flags = ["--pool", "process"]
    done = task("launch", "-w", "work.py:dies_late", *flags, stdin=line("t", "1"))
    (only,) = lines(done.stdout)
    assert only["msg"] == "its process exited with 4"
    assert lasted(only)


def test_what_a_run_has_started_dies_with_its_process(start):
    """A program that hangs is often why the run hangs."""
    process = start("launch", "-w", "work.py:starts_another", "--kill-time", "300ms")
    out, err = process.communicate(line("t", "1"), timeout=60)
    assert [one["msg"] for one in lines(out)] == ["timed out after 100ms"]
    (other,) = [int(x.split()[-1]) for x in err.splitlines() if x[:7] == b"started"]
    assert ends(other)


def test_a_forked_child_of_a_worker_acts_for_itself(task):
    """It prints, and hears its own signals."""
    done = task(
        "launch", "-w", "work.py:forks", "--pool", "process", stdin=line("t", "1")
    )
    assert [one["msg"] for one in lines(done.stdout)] == [str(int(signal.SIGTERM))]
    assert b"from a forked child\n" in done.stderr


def test_a_worker_may_declare_its_pool(task):
    """And flags are stronger."""
    stdin = line("t", "1") + line("t", "2")
    done = lines(task("launch", "-w", "work.py:declared", stdin=stdin).stdout)
    assert len({one["msg"] for one in done}) == 2
    done = task("launch", "-w", "work.py:declared", "--pool", "thread", stdin=stdin)
    assert len({one["msg"] for one in lines(done.stdout)}) == 1


def test_environment_and_toml_say_so_as_well(task, folder):
    """As of every option."""
    (folder / "task.toml").write_text('[launch]\nmax_memory_per_child = "1K"\n')
    env = {"TASK_LAUNCH_POOL": "process", "TASK_LAUNCH_MAX_TASKS_PER_CHILD": "9"}
    done = task("config", "show", "--worker", "echo", env=env)
    shown = [x.split() for x in done.stdout.decode().splitlines()]
    found = {words[0]: words[1] for words in shown if len(words) > 1}
    assert "process" in found.values()
    assert {"1K", "9"} <= set(found.values())


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--pool", "fork"], b"'fork' is none of thread, process"),
        (["--max-memory-per-child", "512"], b"512 of what? Give a unit, for example"),
        (["--max-memory-per-child", "much"], b"not a size like 512M: 'much'"),
        (["--max-tasks-per-child", "-1"], b"--max-tasks-per-child"),
        (["--max-leaked", "x"], b"--max-leaked: not a whole number: 'x'"),
    ],
)
def test_a_wrong_option_is_one_line(task, flags, text):
    """It says what is wrong with it."""
    done = task("launch", "-w", "work.py:hangs", *flags)
    assert (done.returncode, done.stdout) == (2, b"")
    (only,) = done.stderr.splitlines()
    assert text in only


def test_a_worker_that_cannot_be_made_in_a_child_is_one_line(task):
    """The launcher ends before it takes anything."""
    done = task("launch", "-w", "work.py:Broken", "--pool", "process", stdin=line("t"))
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    assert b"no table" in done.stderr


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_a_worker_that_yields_is_refused_at_the_start(task, pool):
    """Each of its tasks would be an error."""
    done = task("launch", "-w", "work.py:yields", "--pool", pool, stdin=line("t"))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"worker 'yields' has a yield" in done.stderr
    assert b"Traceback" not in done.stderr


def test_threads_that_are_left_behind_end_the_launcher_with_a_code(task):
    """So that who supervises it starts a fresh one."""
    flags = ["--timeout", "50ms", "--kill-time", "100ms", "--max-leaked", "1"]
    stdin = line("t", "1") + line("t", "2")
    done = task("launch", "-w", "work.py:stuck", *flags, stdin=stdin)
    assert done.returncode == 5
    assert b"1 run left behind" in done.stderr
    assert lines(done.stdout)[0]["msg"] == "timed out after 50ms"


def test_a_program_that_processes_import_says_what_it_lacks(folder):
    """Rather than start processes that start processes."""
    done = subprocess.run(
        [sys.executable, "imports_itself.py"],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert b'if __name__ == "__main__":' in done.stderr


LOGS = """
import logging, warnings
def tells(info):
    logging.getLogger("mine").info("half")
    warnings.warn("old")
    raise ValueError("no")
"""


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_what_a_task_logs_tells_of_the_task_wherever_it_runs(task, folder, pool):
    """Plain logging, warnings and what it raises; all of it is JSON."""
    (folder / "logs.py").write_text(LOGS)
    flags = ["--pool", pool, "--log-format", "json", "-l", "info"]
    done = task("launch", "-w", "logs.py:tells", *flags, stdin=line("tells", "1"))
    told = [json.loads(one) for one in done.stderr.splitlines()]
    own = [one for one in told if "attempt" in one]
    assert [(one["level"], one["logger"]) for one in own] == [
        ("info", "mine"),
        ("warning", "py.warnings"),
        ("error", "task.worker.tells"),
    ]
    facts = [(one["worker"], one["type"], one["info"], one["attempt"]) for one in own]
    assert facts == [("tells", "tells", "1", 1)] * 3
    assert own[-1]["exception"].endswith("ValueError: no")
