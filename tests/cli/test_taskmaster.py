"""Taskmasters from the command line: run, stopped, forced, refused."""

import signal

import pytest
from cli_lines import lines

MASTERS = """
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from task_core.api import *

@taskmaster
def twice(ctx):
    print("printed")
    for name in ("Ada", "Grace"):
        ctx.send(Task.new("echo", name, clock=ctx.clock))

@taskmaster
def patient(ctx):
    ctx.log.info("it waits")
    ctx.wait(3600)
    ctx.send(Task.new("last", "words"))

@taskmaster
def stuck(ctx):
    ctx.log.info("it waits")
    threading.Event().wait()

@taskmaster
def sends_nonsense(ctx):
    ctx.send(Task.new("echo", "Ada"))
    ctx.send(Task(type="x", info=3))

@taskmaster
async def awaited(ctx): ...

@taskmaster
def fails(ctx):
    raise BusError("no events to be had")

@taskmaster
def breaks(ctx):
    ctx.send(Task.new("echo", "Ada"))
    raise ValueError("no more")

@taskmaster
def leaves(ctx):
    ThreadPoolExecutor(1, "busy").submit(time.sleep, 600)

@taskmaster
def leaves_and_fails(ctx):
    ThreadPoolExecutor(1, "busy").submit(time.sleep, 600)
    raise BusError("no events to be had")

@taskmaster
class Chain(Taskmaster):
    def run(self, ctx):
        for task in ctx.deliveries("in.json", "chain"):
            ctx.send(Task.new("next", task.info), "out.json")
"""


@pytest.fixture
def masters(folder):
    """A file of taskmasters in the current folder."""
    (folder / "masters.py").write_text(MASTERS)
    return folder


@pytest.fixture
def waiting(start, masters):
    """Start one of them that waits, and wait until it does."""

    def run(name, *flags):
        process = start("launch", "--taskmaster", f"masters.py:{name}", *flags)
        while b"it waits" not in process.stderr.readline():
            assert process.poll() is None
        return process

    return run


@pytest.mark.usefixtures("masters")
def test_it_runs_until_it_returns(task):
    """Its tasks go to the bus, what it prints does not."""
    done = task("launch", "--taskmaster", "masters.py:twice")
    assert done.returncode == 0
    assert [sent["info"] for sent in lines(done.stdout)] == ["Ada", "Grace"]
    assert b"task: taskmaster twice on bus stdio" in done.stderr
    assert b"task: 2 sent" in done.stderr
    assert b"printed" in done.stderr


def test_it_reads_one_bus_and_writes_another(task, masters):
    """To the end of what is bounded."""
    (masters / "in.json").write_text('{"type":"a","info":"1"}\n')
    args = ("--in-bus", "file", "--out-bus", "file")
    assert task("launch", "--taskmaster", "masters.py:Chain", *args).returncode == 0
    [sent] = lines((masters / "out.json").read_bytes())
    assert (sent["type"], sent["info"]) == ("next", "1")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)]
)
def test_a_signal_ends_its_waits(waiting, number, code):
    """What it sends after that is sent."""
    process = waiting("patient")
    process.send_signal(number)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == code
    assert [sent["type"] for sent in lines(out)] == ["last"]


def test_one_that_is_stuck_is_left_behind_at_the_second_signal(waiting):
    """A process can always be ended."""
    process = waiting("stuck")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 130


def test_one_that_never_looks_at_the_end_is_told_whose_it_is(waiting):
    """The bus has done nothing."""
    process = waiting("stuck", "--kill-time", "100ms")
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 3
    assert b"did not answer" not in told
    assert (
        b"error: taskmaster 'stuck' did not return within --kill-time (100ms) and is"
        b" left as it is: look at ctx.stopping, or at what ctx.wait returns\n"
    ) in told


@pytest.mark.usefixtures("masters")
def test_what_nobody_could_read_is_not_sent(task):
    """Its author sees where, and no frame of ours."""
    done = task("launch", "--taskmaster", "masters.py:sends_nonsense")
    told = done.stderr.decode()
    assert [sent["info"] for sent in lines(done.stdout)] == ["Ada"]
    assert done.returncode == 3
    assert "in sends_nonsense" in told
    assert "/task_core/" not in told
    text = "raised DecodeError: `info` must be a string, not a number\n"
    assert told.endswith(f"task: taskmaster 'sends_nonsense' {text}")


@pytest.mark.usefixtures("masters")
def test_one_that_cannot_be_called_is_one_line(task):
    """Before anything is opened."""
    done = task("launch", "--taskmaster", "masters.py:awaited")
    text = "awaited is an async def, which nobody awaits (write def): mend it"
    assert done.stderr.decode() == f"task: taskmaster 'masters.py:awaited': {text}\n"
    assert done.returncode == 3


@pytest.mark.usefixtures("masters")
@pytest.mark.parametrize(("name", "code"), [("leaves", 0), ("leaves_and_fails", 4)])
def test_threads_that_it_left_are_named_and_left_behind(task, name, code):
    """After the kill time, and however it ended."""
    flags = ("--taskmaster", f"masters.py:{name}", "--kill-time", "500ms")
    done = task("launch", *flags)
    assert done.returncode == code
    assert b"threads that the taskmaster left are still busy: busy_0" in done.stderr
    assert (b"task: no events to be had\n" in done.stderr) == (code == 4)


@pytest.mark.usefixtures("masters")
def test_what_it_raises_is_one_line(task):
    """With the exit code of that error."""
    done = task("launch", "--taskmaster", "masters.py:fails")
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == b"task: no events to be had"


@pytest.mark.usefixtures("masters")
def test_one_that_breaks_is_no_bug_of_the_core(task):
    """Its author sees where, without frames of ours; what was sent is counted."""
    done = task("launch", "--taskmaster", "masters.py:breaks")
    told = done.stderr.decode()
    assert done.returncode == 3
    assert "this is a bug" not in told
    assert "/task_core/" not in told
    assert "in breaks" in told
    assert "task: 1 sent\n" in told
    assert told.endswith("task: taskmaster 'breaks' raised ValueError: no more\n")


@pytest.mark.usefixtures("masters")
@pytest.mark.parametrize(
    "flags", [(), ("--worker", "echo", "--taskmaster", "masters.py:twice")]
)
def test_a_worker_or_a_taskmaster_is_wanted(task, flags):
    """One of them."""
    done = task("launch", *flags)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"task: launch what? Give --worker")
