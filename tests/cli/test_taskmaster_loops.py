"""Taskmasters with several loops from the command line: signals, errors, lines."""

import json
import signal

import pytest
from cli_lines import lines

MASTERS = """
import threading
from task_core.api import *

ready = threading.Barrier(2)


class Several(Taskmaster):
    def loops(self):
        return [self.first, self.second]

    def meet(self, ctx):
        if ready.wait() == 0:
            ctx.log.info("both wait")


@taskmaster
class Patient(Several):
    def first(self, ctx):
        self.meet(ctx)
        for tasks in ctx.batches("in", "patient", wait=3600):
            pass
        ctx.send(Task.new("first"))

    def second(self, ctx):
        self.meet(ctx)
        ctx.wait(3600)
        ctx.send(Task.new("second"))


@taskmaster
class Stuck(Several):
    def first(self, ctx):
        self.meet(ctx)
        ctx.wait(3600)

    def second(self, ctx):
        self.meet(ctx)
        threading.Event().wait()


@taskmaster
class Breaks(Several):
    def first(self, ctx):
        ctx.wait(3600)
        ctx.send(Task.new("first"))

    def second(self, ctx):
        raise ValueError("no more")


@taskmaster
class Freezes(Several):
    def first(self, ctx):
        self.meet(ctx)
        threading.Event().wait()

    def second(self, ctx):
        self.meet(ctx)
        raise BusError("no events to be had")


@taskmaster
class Wide(Several):
    def first(self, ctx):
        for _ in range(20):
            ctx.send_all((Task.new("a" * 3000), None) for _ in range(100))

    def second(self, ctx):
        for _ in range(20):
            ctx.send_all((Task.new("b" * 3000), None) for _ in range(100))


@taskmaster
class Odd(Taskmaster):
    def loops(self):
        raise ValueError("none to be had")
"""


@pytest.fixture
def masters(folder):
    """A file of taskmasters in the current folder."""
    (folder / "masters.py").write_text(MASTERS)
    return folder


@pytest.fixture
def waiting(start, masters):
    """Start one of them, and wait until both loops do."""

    def run(name, *flags):
        process = start("launch", "--taskmaster", f"masters.py:{name}", *flags)
        while b"both wait" not in process.stderr.readline():
            assert process.poll() is None
        return process

    return run


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)]
)
def test_a_signal_ends_the_waits_of_every_loop(waiting, number, code):
    """What each sends after that is sent."""
    process = waiting("Patient", "--bus", "memory", "--out-bus", "stdio")
    process.send_signal(number)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == code
    assert {sent["type"] for sent in lines(out)} == {"first", "second"}


def test_a_stuck_loop_is_left_behind_at_the_second_signal(waiting):
    """A process can always be ended."""
    process = waiting("Stuck")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 130


@pytest.mark.usefixtures("masters")
def test_one_loop_that_breaks_ends_all(task):
    """Its error is told once, after what the others still send."""
    done = task("launch", "--taskmaster", "masters.py:Breaks")
    told = done.stderr.decode()
    assert done.returncode == 3
    assert [sent["type"] for sent in lines(done.stdout)] == ["first"]
    assert "/task_core/" not in told
    assert "in second" in told
    assert told.endswith("task: taskmaster 'breaks' raised ValueError: no more\n")


def test_an_error_ends_the_process_though_a_loop_is_stuck(waiting):
    """After the kill time."""
    process = waiting("Freezes", "--kill-time", "1s")
    _, told = process.communicate(timeout=300)
    assert process.returncode == 4
    assert told.splitlines()[-1] == b"task: no events to be had"
    assert b"left as it is: first" in told


@pytest.mark.usefixtures("masters")
def test_lines_of_several_loops_stay_whole(task):
    """They share one pipe, whose writes may be taken in parts."""
    done = task("launch", "--taskmaster", "masters.py:Wide")
    assert done.returncode == 0
    types = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert sorted(types) == ["a" * 3000] * 2000 + ["b" * 3000] * 2000


@pytest.mark.usefixtures("masters")
def test_what_its_loops_raise_is_one_line(task):
    """It is its author's mistake, as what `run` raises is."""
    done = task("launch", "--taskmaster", "masters.py:Odd")
    assert done.returncode == 1
    assert b"ValueError: none to be had" in done.stderr
    assert done.stderr.endswith(b"and not from the framework: tell its author\n")
