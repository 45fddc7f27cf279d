"""Rules of slots that are processes: what crosses, and what a death costs."""

import logging
import os
import signal

import process_workers as workers
import pytest

from task_core.api import Task, warn
from task_core.clock import SystemClock
from task_core.errors import UsageError, WorkerError
from task_core.launcher.launcher import make_launcher
from task_core.launcher.processes.ends import SILENT
from task_core.launcher.processes.polls import Polls
from task_core.launcher.programs import LauncherThread
from task_core.wire import encode_task


@pytest.fixture
def impatient(monkeypatch):
    """Runs that are late are interrupted soon, and killed late."""
    monkeypatch.setattr("task_core.launcher.processes.process.HEED", 0.01)


def test_tasks_run_in_other_processes(work):
    """As many as there are slots."""
    done = work(workers.pid, *"abcdefgh", concurrency=2, prefetch=0)
    pids = {int(task.msg) for task in done.values()}
    assert os.getpid() not in pids
    assert len(pids) <= 2


def test_parameters_options_meta_attempts_and_children_cross(work, memory):
    """A worker sees no difference."""
    options = workers.Options(greeting="Salve")
    done = work(workers.greets, "Ada", options=options)
    assert (done["Ada"].msg, done["Ada"].meta) == ("Salve Ada", "attempt=1")
    assert [task.info for task in memory.tasks("children")] == ["Ada"]


def test_parameters_are_checked_in_the_child(work):
    """With the words that a thread would have."""
    done = work(workers.typed, "/a?count=1", "/a?count=x")
    assert done["/a?count=1"].msg == "/a 2"
    assert done["/a?count=x"].msg == "count: not a whole number: 'x'"


def test_what_is_logged_and_printed_comes_in_order_and_in_whole_lines(
    work, caplog, capfd
):
    """To stderr; a line without an end has one at the end of its process."""

    class Shown(logging.Handler):
        def emit(self, record):
            os.write(2, f"{record.name}: {record.getMessage()}\n".encode())

    handler = Shown()
    logging.getLogger("task.worker").addHandler(handler)
    try:
        work(workers.speaks, "1")
    finally:
        logging.getLogger("task.worker").removeHandler(handler)
    out, err = capfd.readouterr()
    own = "printed 1\ntask.worker.speaks: logged 1\na-b\nno end\n"
    assert (out, err) == ("", own)


def test_an_async_def_works(work):
    """In an event loop of the child."""
    assert work(workers.async_upper, "a")["a"].msg == "A"


def test_a_class_is_made_and_closed_in_the_child(work, journal):
    """One object for each process."""
    done = work(workers.Counts, "a", "b")
    assert sorted(task.msg for task in done.values()) == ["1", "2"]
    assert journal() == ["closed after 2"]


def test_context_variables_are_gone_with_their_task(work):
    """As in threads."""
    done = work(workers.remembers, "a", "b")
    assert {task.msg for task in done.values()} == {"nothing"}


def test_stdin_is_empty(work):
    """Nobody eats what belongs to the launcher."""
    assert work(workers.reads_stdin, "a")["a"].msg == "''"


def test_what_is_no_text_is_an_error_of_its_task(work):
    """And of no other."""
    done = work(workers.nonsense, "a")
    assert done["a"].msg == "the worker put something that is no text in: info"


@pytest.mark.parametrize(
    ("info", "how"),
    [
        ("kill", "was killed by SIGSEGV"),
        ("exit", "exited with 3"),
        ("close", "exited with 1"),  # what it is connected by
    ],
)
def test_a_death_costs_its_own_task_alone(work, memory, journal, caplog, info, how):
    """It is given back and counted, and dead in the end; nobody else runs twice."""
    memory.watch("load.dead")
    innocents = [f"innocent {number}" for number in range(30)]
    infos = [*innocents[:10], info, *innocents[10:]]
    done = work(workers.dies, *infos, concurrency=2, max_attempts=3)
    assert set(done) == set(innocents)
    assert sorted(journal()) == sorted([*innocents, *[info] * 3])
    assert len(memory.take("load.dead")) == 1
    told = [one.getMessage() for one in caplog.records if how in one.getMessage()]
    assert [text.split("; ")[1] for text in told] == [
        "it is given back",
        "it is given back",
        "it is dead",
    ]
    assert all(text.startswith("task load ") for text in told)


def test_a_process_that_says_nothing_more_may_end_by_itself(work, monkeypatch, caplog):
    """How it ended is told, and nothing that was done to it."""

    def mute(polls, process, mute=Polls.mute):
        workers.note("silent")
        mute(polls, process)

    monkeypatch.setattr(Polls, "mute", mute)
    done = work(workers.goes_silent, "a", max_attempts=1, kill_time=600.0)
    assert done == {}
    text = "task load 'a' at 1, attempt 1: its process exited with 7; it is dead"
    assert text in caplog.messages


def test_a_process_that_says_nothing_more_and_stays_is_killed(work, caplog):
    """After the kill time; that is said, and memory not blamed."""
    done = work(workers.goes_silent, "never", max_attempts=1, kill_time=0.1)
    assert done == {}
    assert f"its process {SILENT}; it is dead" in caplog.text
    assert "memory" not in caplog.text


def test_a_lambda_is_refused_before_the_bus_is_opened(memory):
    """In one line, which says what to do."""

    def never():
        raise AssertionError

    with pytest.raises(WorkerError, match="define it by name at the top of a module"):
        make_launcher(lambda info: info, never, topic="load", pool="process")


class Nowhere:
    """When it is read in a child, its module is not there."""

    def __reduce__(self):
        return (__import__, ("module_that_is_nowhere",))


def test_a_worker_that_a_child_does_not_find_is_one_line(memory):
    """The launcher ends before it takes a task."""
    made = make_launcher(
        workers.upper, memory.open(), topic="load", pool="process", find=Nowhere()
    )
    with pytest.raises(WorkerError, match="a process does not find the worker"):
        made.run()


def test_a_pool_of_something_else_is_refused(memory):
    """In words."""
    with pytest.raises(UsageError, match="pool: 'fork' is none of thread, process"):
        make_launcher(workers.upper, memory.open(), topic="load", pool="fork")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("info", ["sleep", "loop"])
def test_a_run_that_is_late_is_interrupted_by_sigterm(work, journal, info):
    """C that sleeps and Python that is busy: both can clean up."""
    done = work(workers.hangs, info, timeout=0.2, kill_time=60.0)
    assert done[info].msg == "timed out after 200ms"
    assert journal() == ["cleaned up"]


@pytest.mark.parametrize("worker", [workers.ignores, workers.swallows])
def test_a_run_that_ignores_that_is_killed(work, worker, caplog):
    """After the grace, which is told; the next task has another process."""
    done = work(worker, "a", timeout=0.2, kill_time=0.4)
    assert done["a"].msg == "timed out after 200ms"
    text = "timed out after 200ms; SIGTERM did not end it: its process was killed"
    assert f"task load 'a' at 1, attempt 1: {text}" in caplog.messages


def test_a_task_whose_process_was_killed_keeps_its_start(work, journal):
    """The run has noted something before its end, and after its start."""
    early, late = "2026-02-01T00:00:00Z", "2026-02-01T00:00:09Z"

    class Stamps(SystemClock):
        def stamp(self):
            return late if journal() else early

    done = work(workers.ignores, "a", timeout=2.0, kill_time=0.1, clock=Stamps())
    assert (done["a"].started, done["a"].ended) == (early, late)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("seconds", [None, 600.0])
def test_a_task_may_say_what_it_may_take(memory, make_tasks, work, journal, seconds):
    """What its meta says counts more."""
    own = encode_task(Task(type="load", info="sleep", meta="timeout=200ms"))
    memory.put(own)
    done = work(workers.hangs, timeout=seconds, kill_time=60.0)
    assert done["sleep"].msg == "timed out after 200ms"
    assert journal() == ["cleaned up"]


def test_a_coroutine_is_cancelled_at_its_timeout(work, journal):
    """In its child."""
    done = work(workers.async_hangs, "a", timeout=0.2)
    assert done["a"].msg == "timed out after 200ms"
    assert journal() == ["cancelled"]


def test_a_stop_reaches_the_run(memory, make_tasks, journal, until):
    """It heeds it, and is given back."""
    memory.put(*make_tasks("a"))
    slots = {"topic": "load", "pool": "process", "kill_time": 60.0}
    with LauncherThread(workers.heeds, memory.open(), **slots) as thread:
        until(journal)
    assert thread.launcher.stats.returned == 1
    assert thread.launcher.stats.abandoned == 0
    assert journal() == ["begun False"]


def test_no_process_is_left(memory, make_tasks, journal, until):
    """Also of those that do not end by themselves."""
    memory.put(*make_tasks("a"))
    slots = {"topic": "load", "pool": "process", "kill_time": 0.1, "concurrency": 2}
    with LauncherThread(workers.ignores, memory.open(), **slots) as thread:
        until(journal)
        children = thread.launcher.parts.slots._children
        pids = [one.pid for one in children.all]
    until(lambda: children.all == [])
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_nothing_waits_behind_a_task_that_takes_long(work):
    """What a process had in store goes to the others."""
    infos = [str(number) for number in range(workers.WAITS_FOR - 1)]
    infos.insert(150, "long")
    done = work(workers.waits, *infos, concurrency=2)
    assert set(done) == set(infos)


def test_hooks_are_called_in_the_parent(work, hooks):
    """Each with the task that it began with, and its outcome."""
    told = []

    def should_run(task):
        return warn("not today") if task.info == "b" else None

    def started(task):
        told.append((os.getpid(), "started", task.info, id(task)))

    def finished(task, outcome):
        told.append((os.getpid(), outcome.msg, task.info, id(task)))

    listen = hooks(
        task_should_run=should_run, task_started=started, task_finished=finished
    )
    done = work(workers.upper, "a", "b", hooks=listen)
    assert (done["a"].msg, done["b"].msg) == ("A", "not today")
    assert {one[1:3] for one in told} == {
        ("started", "a"),
        ("A", "a"),
        ("not today", "b"),
    }
    assert len({one[3] for one in told if one[2] == "a"}) == 1
    assert {one[0] for one in told} == {os.getpid()}
