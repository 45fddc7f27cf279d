"""Rules of `task_core.launcher.stop`: a worker's `close` cannot hold up the end."""

import logging
import threading

import pytest

from task_core.clock import SystemClock
from task_core.launcher.handover import Handover
from task_core.launcher.stop import Closing, Stop

LOG = logging.getLogger("task.test")


@pytest.fixture
def closing():
    """Make what closes, with a kill time, and what it listens to."""

    def make(close, kill_time):
        stop, handover = Stop(kill_time, SystemClock()), Handover()
        sleep, call = handover.sleep, handover.call
        made = Closing(close, stop, sleep, call, SystemClock(), LOG)
        return made, stop, handover

    return make


def test_a_close_is_waited_for_until_it_ends(closing):
    """Without a stop, however long it takes."""
    done = []
    made, _, _ = closing(lambda: done.append(True), 0.0)
    made.run()
    assert done == [True]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_what_a_close_raises_is_told_and_is_no_end(closing, caplog, error):
    """It is its author's business."""

    def close():
        raise error

    made, _, _ = closing(close, 0.0)
    made.run()
    assert "the worker's close() raised" in caplog.text


@pytest.mark.parametrize("requests", [1, 2])
def test_a_stop_that_comes_while_it_closes_ends_the_wait(closing, caplog, requests):
    """After the kill time, or at once when asked twice."""
    begun, never = threading.Event(), threading.Event()

    def close():
        begun.set()
        never.wait()

    made, stop, handover = closing(close, 0.1 if requests == 1 else 3600.0)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    assert begun.wait(20)
    for _ in range(requests):
        stop.request()
        handover.call()
    thread.join(20)
    assert not thread.is_alive()
    assert "the worker's close() does not end: left behind" in caplog.text
    never.set()


def test_a_close_has_a_second_also_when_the_grace_is_over(closing, caplog):
    """Who stops in time to close is not cut off."""
    made, stop, _ = closing(lambda: threading.Event().wait(0.05), 0.0)
    stop.request()
    made.run()
    assert "left behind" not in caplog.text


def test_a_close_is_called_also_when_no_thread_can_be_started(closing, monkeypatch):
    """Too many slots have used them up."""

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    done = []
    made, _, _ = closing(lambda: done.append(True), 0.0)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    made.run()
    assert done == [True]
