"""Rules of `task_core.launcher.programs`: what programs run, in a few words."""

import subprocess
import sys
import threading

import pytest

from task_core import LauncherThread, open_bus, run_launcher, run_once
from task_core.errors import BusError, UsageError
from task_core.task import Task


def test_a_program_runs_a_worker_until_the_topic_is_empty(memory, make_tasks):
    """And learns what happened."""
    memory.watch("done").put(*make_tasks("a", "b"))
    stats = run_launcher(lambda info: info, memory.open(), topic="load", drain=True)
    assert stats.results == {"complete": 2}
    assert sorted(task.msg for task in memory.tasks()) == ["a", "b"]


@pytest.mark.parametrize("bus", ["sqlite://task.db", lambda: "sqlite", None])
def test_what_is_no_bus_is_refused_with_what_opens_one(bus):
    """A URL is what people have at hand."""
    text = r"an open bus is wanted, not .*: task_core.open_bus\(…\) opens one"
    with pytest.raises(UsageError, match=text):
        run_launcher(lambda info: info, bus, topic="load")


STOPPING = """
import os, signal
from task_core import run_launcher
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import MemoryBus
from task_core.api import Message

bus = MemoryBus("x", MEMORY, 30.0)
bus.producer().send([Message("load", b'{"type":"load","info":"a"}')])

def worker(info, ctx):
    os.kill(os.getpid(), signal.SIGTERM)
    ctx.wait(30)
    return "told"

print(run_launcher(worker, bus, topic="load", channel="load").results)
"""


def test_a_signal_stops_it_with_grace():
    """As on the command line."""
    done = subprocess.run(
        [sys.executable, "-c", STOPPING],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (0, "{'complete': 1}\n"), done.stderr


def test_one_task_is_run_without_a_bus():
    """Its done task, its outcome and its children."""

    def worker(info, ctx):
        ctx.send(Task(type="sum", info=info))
        return info

    done, outcome, ((child, topic),) = run_once(worker, "a")
    assert (done.result, outcome.msg, child.info, topic) == (
        "complete",
        "a",
        "a",
        "sum",
    )


def test_a_launcher_in_a_thread_reads_when_its_body_begins(memory, make_tasks):
    """And has ended when that is left; a stop waits for what runs."""
    memory.watch("done").put(*make_tasks("a"))
    began, told = threading.Event(), []

    def worker(info, ctx):
        began.set()
        told.append(ctx.wait(30))

    with LauncherThread(worker, memory.open(), topic="load") as launcher:
        assert began.wait(20)
    assert told == [True]
    assert launcher.join(0).results == {"complete": 1}


def test_a_thread_that_was_stopped_in_the_body_keeps_its_grace(memory, make_tasks):
    """Its end is no second request."""
    memory.watch("done").put(*make_tasks("a"))
    began = threading.Event()

    def worker(info, ctx):
        began.set()
        assert ctx.wait(30)
        return "fine"

    with LauncherThread(worker, memory.open(), topic="load") as launcher:
        assert began.wait(20)
        launcher.stop()
    assert not launcher.launcher.parts.stop.hurries
    assert [task.msg for task in memory.tasks()] == ["fine"]


def test_a_thread_tells_what_went_wrong(script):
    """At the start, or at the end."""

    def fail(bus):
        raise BusError("gone")

    bus = script(bounded=False, on_receive=fail)
    with pytest.raises(BusError, match="gone"):
        LauncherThread(str.upper, bus, topic="load").start().join()


def test_a_thread_that_does_not_end_says_so(memory):
    """Waiting for it has a limit."""
    with (
        LauncherThread(str.upper, memory.open(), topic="load") as launcher,
        pytest.raises(TimeoutError, match=r"not ended after 0.01s"),
    ):
        launcher.join(0.01)


ELSEWHERE = """
import threading
from task_core import open_bus, run_launcher

stop = threading.Event()
threading.Timer(0.5, stop.set).start()
print(run_launcher(str.upper, open_bus("memory"), topic="load", stop=stop).received)
"""


def test_another_thread_may_stop_it():
    """The main thread waits in `run_launcher`."""
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_it_wants_the_main_thread_and_an_event():
    """Signals come to nobody else; a switch that is none would never be seen."""
    found = []

    def run():
        try:
            run_launcher(str.upper, open_bus("memory:x"), topic="x", drain=True)
        except UsageError as error:
            found.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "use LauncherThread in others" in found[0]
    with pytest.raises(TypeError, match=r"^stop: a threading\.Event is wanted"):
        run_launcher(str.upper, open_bus("memory:x"), topic="x", stop=True)


def test_done_tasks_go_somewhere():
    """Told before any work is done, which would be done again and again."""
    with pytest.raises(UsageError, match="^done_topic: it is empty"):
        run_launcher(str.upper, open_bus("memory:x"), topic="x", done_topic="")
