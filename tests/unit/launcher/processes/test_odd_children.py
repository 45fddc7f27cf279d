"""Rules of slots that are processes: what goes wrong costs its own task alone."""

import os
import subprocess
import sys
from types import SimpleNamespace

import process_workers as workers
import pytest

from task_core.errors import WorkerError
from task_core.launcher import in_flight, loop
from task_core.launcher.processes import process
from task_core.launcher.processes.lines import Lines


@pytest.mark.parametrize("pool", ["thread", "process"])
@pytest.mark.parametrize(
    ("info", "result", "msg"),
    [
        ("soup", "complete", "soup"),
        ("half", "complete", "\ufffd"),
        ("meta", "complete", "meta"),
        ("date", "error", "the worker put something that is no date in: created"),
        ("bool", "error", "the worker's delay is no number of seconds: Outcome("),
    ],
)
def test_an_odd_answer_is_that_of_its_task_alone(
    work, memory, journal, info, result, msg, pool
):
    """The same from threads and from processes; nobody else runs twice."""
    done = work(
        workers.answers_oddly, "neighbour", info, pool=pool, concurrency=2, prefetch=0
    )
    assert (done[info].result, done[info].msg[: len(msg)]) == (result, msg)
    assert done["neighbour"].msg == "neighbour"
    assert journal() == ["odd"] * 2
    children = [task.info for task in memory.tasks("children")]
    assert children == [info] * (info == "meta")


def test_one_that_says_what_nobody_understands_is_killed(work, memory, caplog):
    """As one that has died: its task is counted."""
    memory.watch("load.dead")
    assert work(workers.garbles, "a", max_attempts=2) == {}
    text = "its process said what nobody understands, and was killed; it is dead"
    assert text in caplog.text
    assert len(memory.take("load.dead")) == 1


@pytest.fixture
def forks(monkeypatch):
    """`forks(which)` lets the system start no process at some of the tries."""

    def forks(which):
        count = iter(range(1000))

        def start(*words, **options):
            if next(count) in which:
                workers.note("no fork")
                raise BlockingIOError(11, "Resource temporarily unavailable")
            return subprocess.Popen(*words, **options)

        names = {"Popen": start, "DEVNULL": subprocess.DEVNULL}
        monkeypatch.setattr(process, "subprocess", SimpleNamespace(**names))

    return forks


def test_a_successor_that_cannot_be_started_costs_no_task(work, forks, caplog):
    """It is tried again; others go on meanwhile."""
    forks({2})
    done = work(workers.outlives, "a", "dies", concurrency=2, prefetch=0)
    assert done["a"].msg == "a"
    assert "no new process: [Errno 11] Resource temporarily" in caplog.text
    assert "Traceback" not in caplog.text


def test_who_can_start_some_processes_goes_on_with_them(work, forks):
    """The others come later."""
    forks({1})
    assert work(workers.upper, "a", "b", concurrency=2)["a"].msg == "A"


def test_who_can_start_no_process_ends(work, forks, caplog):
    """In one line."""
    forks(range(1000))
    with pytest.raises(WorkerError, match="the system starts no process: .Errno 11"):
        work(workers.upper, "a")
    assert "Traceback" not in caplog.text


def test_slots_that_break_down_lose_no_task(work, monkeypatch, caplog):
    """What was at work is counted, as after a death; the rest begins anew."""
    for module in (in_flight, loop):
        monkeypatch.setattr(module, "LOOK_EVERY", 1.0)

    def add(lines, message):
        workers.note("broken")
        raise ZeroDivisionError

    monkeypatch.setattr(Lines, "add", add)
    done = work(workers.prints_and_waits, *"abc", prefetch=2)
    assert {task.msg for task in done.values()} == {*"abc"}
    assert (
        "its process was killed, since the slots broke down; it is give" in caplog.text
    )


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_no_descriptor_is_left(work):
    """A program may run many launchers."""

    def count():
        return len(os.listdir("/proc/self/fd"))

    work(workers.upper, "a")
    before = count()
    work(workers.upper, "a")
    assert count() == before
