"""Rules of `task_core.launcher.handover`: no job and no wake-up is ever lost."""

import threading
import time
from collections import deque

from task_core.api.message import Delivery
from task_core.launcher.context import Job
from task_core.launcher.handover import Handover
from task_core.task import Task


def job():
    return Job(Delivery(b""), Task(type="load", info=""))


def test_finished_jobs_are_collected_once_and_in_order():
    """Whatever is there at the moment of the call."""
    handover, jobs = Handover(), [job(), job()]
    handover.finished.extend(jobs)
    assert handover.collect() == jobs
    assert handover.collect() == []


def test_jobs_that_no_slot_has_begun_can_be_recalled():
    """All of them, in order."""
    handover, jobs = Handover(), [job(), job()]
    handover.waiting.extend(jobs)
    assert handover.recall() == jobs
    assert handover.recall() == []


def test_who_finds_enough_to_do_does_not_lie_down():
    """`wake_at` says how much is enough."""
    handover = Handover()
    handover.finished.append(job())
    assert handover.fall_asleep(2)
    assert not handover.fall_asleep(1)


def test_a_call_ends_the_next_wait_when_nobody_waits():
    """And only that one."""
    handover = Handover()
    handover.call()
    begin = time.monotonic()
    handover.sleep(30, wake_at=1)
    assert time.monotonic() - begin < 10
    assert handover.fall_asleep(1)


def test_a_call_ends_a_wait():
    """From any thread."""
    handover = Handover()
    threading.Timer(0.02, handover.call).start()
    begin = time.monotonic()
    handover.sleep(30, wake_at=1)
    assert time.monotonic() - begin < 10


def test_the_alarm_of_who_waits_elsewhere_is_rung():
    """The bus thread waits in `receive`; only `Consumer.wake` ends that."""
    handover, rung = Handover(), []
    assert handover.fall_asleep(1, lambda: rung.append(1))
    handover.wake()
    assert rung == [1]
    assert not handover.sleeping


def test_no_wake_up_is_ever_lost(slots):
    """Ten thousand rounds of one job each: a lost wake-up would hang one of them."""
    made, handover, _ = slots(lambda info: None, 2)
    made.start()
    deadline = time.monotonic() + 30
    for _ in range(10_000):
        made.submit([job()])
        while not handover.collect():
            handover.sleep(deadline - time.monotonic(), wake_at=1)
            assert time.monotonic() < deadline, "a wake-up was lost"


def test_no_wake_up_is_lost_in_a_rush(slots):
    """Many jobs, woken for half of what is out, with the wait of the launcher."""
    made, handover, _ = slots(lambda info: None, 4)
    made.start()
    deadline, out, done = time.monotonic() + 30, 0, 0
    while done < 20_000:
        room = min(64 - out, 20_000 - done - out)
        made.submit([job() for _ in range(room)])
        out += room
        wake_at = max(1, out // 2)
        handover.sleep(0.005 if wake_at > 1 else 30, wake_at)
        found = len(handover.collect())
        out, done = out - found, done + found
        assert time.monotonic() < deadline, "a wake-up was lost"
    assert (out, done) == (0, 20_000)


def test_calls_from_other_threads_are_never_lost():
    """A stop must not depend on where the bus thread happens to be."""
    handover, rounds = Handover(), 3000
    asked, answered = [0], threading.Semaphore(0)

    def ask():
        for number in range(1, rounds + 1):
            asked[0] = number
            handover.call()
            answered.acquire()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    seen, deadline = 0, time.monotonic() + 30
    while seen < rounds:
        if asked[0] > seen:
            seen += 1
            answered.release()
        else:
            handover.sleep(deadline - time.monotonic(), wake_at=1)
        assert time.monotonic() < deadline, "a call was lost"


def test_who_lies_down_announces_it_before_it_looks():
    """Slots finish first and look second; in another order both could miss it."""
    handover, announced = Handover(), []

    class Watched(deque):
        def __len__(self):
            announced.append(handover.sleeping)
            return super().__len__()

    handover.finished = Watched()
    assert handover.fall_asleep(1)
    assert announced == [True]


def test_a_call_that_rang_the_alarm_of_another_wait_still_counts():
    """It came while the bus thread went from one place to wait to the other."""
    handover = Handover()
    handover.fall_asleep(1, lambda: None)
    handover.stay_awake()
    handover.call()
    assert not handover.fall_asleep(1)
