"""Rules of `task_core.launcher.exchange`: no job and no wake-up is ever lost."""

import threading
import time
from collections import deque

from task_core.api.message import Delivery
from task_core.launcher.exchange import Exchange
from task_core.launcher.job import Job
from task_core.task import Task


def job():
    return Job(Delivery(b""), Task(type="load", info=""))


def test_finished_jobs_are_collected_once_and_in_order():
    """Whatever is there at the moment of the call."""
    exchange, jobs = Exchange(), [job(), job()]
    exchange.finished.extend(jobs)
    assert exchange.collect() == jobs
    assert exchange.collect() == []


def test_jobs_that_no_slot_has_begun_can_be_recalled():
    """All of them, in order."""
    exchange, jobs = Exchange(), [job(), job()]
    exchange.waiting.extend(jobs)
    assert exchange.recall() == jobs
    assert exchange.recall() == []


def test_who_finds_enough_to_do_does_not_lie_down():
    """`wake_at` says how much is enough."""
    exchange = Exchange()
    exchange.finished.append(job())
    assert exchange.lie_down(2)
    assert not exchange.lie_down(1)


def test_a_call_ends_the_next_wait_when_nobody_waits():
    """And only that one."""
    exchange = Exchange()
    exchange.call()
    begin = time.monotonic()
    exchange.sleep(30, wake_at=1)
    assert time.monotonic() - begin < 10
    assert exchange.lie_down(1)


def test_a_call_ends_a_wait():
    """From any thread."""
    exchange = Exchange()
    threading.Timer(0.02, exchange.call).start()
    begin = time.monotonic()
    exchange.sleep(30, wake_at=1)
    assert time.monotonic() - begin < 10


def test_the_alarm_of_who_waits_elsewhere_is_rung():
    """The bus thread waits in `receive`; only `Consumer.wake` ends that."""
    exchange, rung = Exchange(), []
    assert exchange.lie_down(1, lambda: rung.append(1))
    exchange.wake()
    assert rung == [1]
    assert not exchange.sleeping


def test_no_wake_up_is_ever_lost(slots):
    """Ten thousand rounds of one job each: a lost wake-up would hang one of them."""
    made, exchange, _ = slots(lambda info: None, 2)
    made.start()
    deadline = time.monotonic() + 30
    for _ in range(10_000):
        made.submit([job()])
        while not exchange.collect():
            exchange.sleep(deadline - time.monotonic(), wake_at=1)
            assert time.monotonic() < deadline, "a wake-up was lost"


def test_no_wake_up_is_lost_in_a_rush(slots):
    """Many jobs, woken for half of what is out, with the wait of the launcher."""
    made, exchange, _ = slots(lambda info: None, 4)
    made.start()
    deadline, out, done = time.monotonic() + 30, 0, 0
    while done < 20_000:
        room = min(64 - out, 20_000 - done - out)
        made.submit([job() for _ in range(room)])
        out += room
        wake_at = max(1, out // 2)
        exchange.sleep(0.005 if wake_at > 1 else 30, wake_at)
        found = len(exchange.collect())
        out, done = out - found, done + found
        assert time.monotonic() < deadline, "a wake-up was lost"
    assert (out, done) == (0, 20_000)


def test_calls_from_other_threads_are_never_lost():
    """A stop must not depend on where the bus thread happens to be."""
    exchange, rounds = Exchange(), 3000
    asked, answered = [0], threading.Semaphore(0)

    def ask():
        for number in range(1, rounds + 1):
            asked[0] = number
            exchange.call()
            answered.acquire()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    seen, deadline = 0, time.monotonic() + 30
    while seen < rounds:
        if asked[0] > seen:
            seen += 1
            answered.release()
        else:
            exchange.sleep(deadline - time.monotonic(), wake_at=1)
        assert time.monotonic() < deadline, "a call was lost"


def test_who_lies_down_announces_it_before_it_looks():
    """Slots finish first and look second; in another order both could miss it."""
    exchange, announced = Exchange(), []

    class Watched(deque):
        def __len__(self):
            announced.append(exchange.sleeping)
            return super().__len__()

    exchange.finished = Watched()
    assert exchange.lie_down(1)
    assert announced == [True]


def test_a_call_that_rang_the_alarm_of_another_wait_still_counts():
    """It came while the bus thread went from one place to wait to the other."""
    exchange = Exchange()
    exchange.lie_down(1, lambda: None)
    exchange.get_up()
    exchange.call()
    assert not exchange.lie_down(1)
