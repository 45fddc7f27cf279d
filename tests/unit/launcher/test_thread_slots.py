"""Rules of `task_core.launcher.handover`: slots for plain functions."""

import contextvars
import ctypes
import logging
import threading
import time

import pytest

from task_core.api.message import Delivery
from task_core.clock import SystemClock
from task_core.errors import UsageError
from task_core.launcher import in_flight
from task_core.launcher.context import Job
from task_core.launcher.stats import Stats
from task_core.task import Task

LIMIT = 20


def jobs(count):
    return [Job(Delivery(b""), Task(type="load", info=str(n))) for n in range(count)]


def wait_for(handover, count):
    """Collect so many finished jobs."""
    found = []
    while len(found) < count:
        handover.sleep(LIMIT, wake_at=1)
        collected = handover.collect()
        assert collected, "nothing finishes"
        found += collected
    return found


def test_jobs_come_back_with_outcome_and_time(slots):
    """Every one of them, once."""
    made, handover, _ = slots(lambda info: info, 2)
    made.start()
    given = jobs(50)
    made.submit(given)
    found = wait_for(handover, 50)
    assert {id(job) for job in found} == {id(job) for job in given}
    assert all(job.outcome.msg == job.task.info and job.took >= 0 for job in found)


def test_as_many_run_at_a_time_as_there_are_slots(slots):
    """No fewer: a barrier that needs all of them opens."""
    barrier = threading.Barrier(3)
    made, handover, _ = slots(lambda info: str(barrier.wait(LIMIT)), 3)
    made.start()
    for job in jobs(3):
        made.submit([job])
    numbers = sorted(job.outcome.msg for job in wait_for(handover, 3))
    assert numbers == ["0", "1", "2"]


def test_jobs_given_before_the_start_are_run(slots):
    """The order of the two calls does not matter."""
    made, handover, _ = slots(lambda info: None)
    made.submit(jobs(2))
    made.start()
    wait_for(handover, 2)


def test_a_stream_that_never_pauses_does_not_pile_anything_up(slots):
    """What wakes the threads stays as small as their number."""
    go = threading.Event()
    made, handover, _ = slots(lambda info: go.wait(LIMIT) and None, 2)
    made.start()
    for job in jobs(500):
        made.submit([job])
    assert made._tokens.qsize() <= 2
    go.set()
    wait_for(handover, 500)


def test_a_slot_survives_whatever_a_worker_does(slots):
    """The next job runs in the same thread."""

    def worker(info):
        if info == "0":
            raise SystemExit
        return threading.current_thread().name

    made, handover, _ = slots(worker)
    made.start()
    made.submit(jobs(2))
    first, second = wait_for(handover, 2)
    assert first.outcome.result == "error"
    assert second.outcome.msg == "slot-0"


def test_a_slot_whose_thread_has_no_successor_gets_one_later(slots, monkeypatch):
    """When the system starts threads again; the one that was left does not count."""
    stuck, release = threading.Event(), threading.Event()

    def worker(info):
        if info == "0":
            stuck.set()
            release.wait(LIMIT)

    def fail(thread):
        raise RuntimeError("can't start new thread")

    made, handover, _ = slots(worker)
    made.start()
    first, second = jobs(2)
    made.submit([first])
    assert stuck.wait(LIMIT)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        made.leave(made._threads[0].ident, first)
    made.submit([second])
    assert wait_for(handover, 1) == [first]
    assert made.mend() == 1
    assert wait_for(handover, 1) == [second]
    release.set()


def test_close_ends_the_idle_threads(slots):
    """Those that are busy are daemons and hold nobody up."""
    made, _, _ = slots(lambda info: None, 3)
    made.start()
    made.close()
    for thread in made._threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
        assert thread.daemon


def test_the_bus_thread_is_woken_when_enough_is_finished(slots):
    """Though the slot goes on with the next job."""
    go = threading.Event()
    made, handover, _ = slots(lambda info: info == "2" and go.wait(LIMIT) and None)
    made.start()
    made.submit(jobs(3))
    begin = time.monotonic()
    handover.sleep(LIMIT, wake_at=2)
    assert len(handover.collect()) == 2
    assert time.monotonic() - begin < LIMIT / 2
    go.set()


def test_the_bus_thread_is_woken_when_a_slot_has_no_more_to_do(slots):
    """Though less is finished than it wanted."""
    made, handover, _ = slots(lambda info: None)
    made.start()
    made.submit(jobs(1))
    begin = time.monotonic()
    handover.sleep(LIMIT, wake_at=5)
    assert len(handover.collect()) == 1
    assert time.monotonic() - begin < LIMIT / 2


VARIABLE = contextvars.ContextVar("variable", default="fresh")


def test_each_job_has_a_context_of_its_own(slots):
    """What one leaves behind meets no other."""
    seen = []

    def worker(info):
        seen.append(VARIABLE.get())
        if info != "1":
            VARIABLE.set(info)

    made, handover, _ = slots(worker)
    made.start()
    made.submit(jobs(4))
    wait_for(handover, 4)
    assert seen == ["fresh"] * 4


def test_a_hook_that_exits_is_an_error_of_the_task(slots, hooks):
    """Observers are isolated; one that is not costs a task, not the launcher."""

    def leave(**facts):
        raise SystemExit(1)

    made, handover, _ = slots(lambda info: None, hooks=hooks(task_finished=leave))
    made.start()
    made.submit(jobs(2))
    outcomes = [job.outcome.msg for job in wait_for(handover, 2)]
    assert outcomes == ["SystemExit: 1"] * 2


def test_more_slots_than_the_system_has_threads_is_an_error_in_one_line(
    slots, monkeypatch
):
    """It says how many there could be."""
    made, _, _ = slots(lambda info: None, 3)

    start = made._start

    def refuse(number):
        if number == 1:
            raise RuntimeError("can't start new thread")
        return start(number)

    monkeypatch.setattr(made, "_start", refuse)
    with pytest.raises(UsageError, match="starts no more than 1 slots"):
        made.start()


@pytest.fixture
def mortal(slots, monkeypatch):
    """Make slots whose first threads end when they get a job, with it or before it."""

    def make(count, deaths, *, takes):
        made, handover, _ = slots(lambda info: info, count)
        serve, left = made._serve, [None] * deaths
        taken = threading.Barrier(deaths)  # else who follows one leaves others nothing

        def serve_or_end(number):
            if not left:
                return serve(number)
            left.pop()
            made._tokens.get()
            if takes:
                made._held[number].job = handover.waiting.popleft()
            taken.wait(LIMIT)
            return None

        monkeypatch.setattr(made, "_serve", serve_or_end)
        made.start()
        return made, handover

    return make


def looks(made, handover, given, monkeypatch):
    """Look until all jobs have an outcome; return them and the counts."""
    monkeypatch.setattr(in_flight, "LOOK_EVERY", 0.001)
    stats = Stats(SystemClock())
    search = in_flight.Search(made, handover, stats, SystemClock())
    found, end = {}, time.monotonic() + LIMIT
    while len(found) < len(given):
        assert time.monotonic() < end, "a job is lost"
        handover.sleep(0.002, wake_at=1)
        search.look([job for job in given if job not in found], [])
        found.update(dict.fromkeys(handover.collect()))
    return list(found), stats


def test_a_slot_that_ends_beside_a_job_is_replaced_and_the_job_runs(
    mortal, monkeypatch
):
    """Nobody else had it: it is handed on."""
    made, handover = mortal(1, 1, takes=False)
    given = jobs(3)
    made.submit(given)
    found, stats = looks(made, handover, given, monkeypatch)
    assert [job.outcome.result for job in found] == ["complete"] * 3
    assert stats.replaced == 1


def test_the_job_of_a_slot_that_ends_is_an_error_and_the_slot_is_replaced(
    mortal, monkeypatch, caplog
):
    """Counted, and told in one line."""
    made, handover = mortal(2, 2, takes=True)
    given = jobs(5)
    made.submit(given)
    found, stats = looks(made, handover, given, monkeypatch)
    results = sorted(job.outcome.result for job in found)
    assert results == ["complete"] * 3 + ["error"] * 2
    assert {job.outcome.msg for job in found if job.outcome.result == "error"} == {
        "the slot that had taken it was ended from outside"
    }
    assert stats.replaced == 2
    assert "slots had ended, and were replaced" in caplog.text


def test_a_job_that_a_slot_still_has_is_never_lost(slots, monkeypatch):
    """However often one looks, and however long it runs."""
    go = threading.Event()
    made, handover, _ = slots(lambda info: go.wait(LIMIT) and "done")
    made.start()
    given = jobs(2)
    made.submit(given)
    threading.Timer(0.3, go.set).start()
    found, stats = looks(made, handover, given, monkeypatch)
    assert [job.outcome.msg for job in found] == ["done", "done"]
    assert stats.replaced == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_exceptions_that_land_anywhere_in_slots_cost_no_outcome(slots, monkeypatch):
    """Other threads may raise in ours; each job still comes back, once for the loop."""
    monkeypatch.setattr(logging.getLogger("task"), "disabled", True)
    monkeypatch.setattr(logging.getLogger("task.test"), "disabled", True)
    made, handover, _ = slots(lambda info: str(sum(range(2_000))), 2)
    made.start()
    for number in range(300):
        given = jobs(10)
        made.submit(given)
        time.sleep(number % 30 * 1e-5)  # so that it lands here and there
        for thread in made._threads.copy():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            )
        found, _ = looks(made, handover, given, monkeypatch)
        assert {job.outcome.result for job in found} <= {"complete", "error"}
    made.close()
    for thread in made._threads:
        thread.join(LIMIT)


def test_more_threads_than_any_machine_runs_are_refused_before_any_starts(slots):
    """Starting them until the system refuses takes minutes."""
    made, _, _ = slots(lambda info: None, 100_000)
    with pytest.raises(UsageError, match="-c 100000: a plain function can have 10,000"):
        made.start()
    assert made._threads == []
