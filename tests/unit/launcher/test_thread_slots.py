"""Rules of `task_core.launcher.handover`: slots for plain functions."""

import contextvars
import threading
import time

import pytest

from task_core.api.message import Delivery
from task_core.errors import UsageError
from task_core.launcher.context import Job
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

    def refuse():
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(made._threads[1], "start", refuse)
    with pytest.raises(UsageError, match="starts no more than 1 slots"):
        made.start()
