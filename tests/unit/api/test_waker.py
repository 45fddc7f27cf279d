"""Rules of `task_core.api.alarm`."""

import os
import signal
import threading
import time

import pytest
from task_core.api.alarm import Alarm, Event


@pytest.fixture
def alarm():
    alarm = Alarm()
    yield alarm
    alarm.close()


def test_a_wait_without_a_ring_lasts_its_time(alarm):
    """Neither shorter nor much longer."""
    begin = time.monotonic()
    assert alarm.wait(None, 0.05) is Event.LATE
    assert 0.049 <= time.monotonic() - begin < 0.5


def test_a_ring_before_the_wait_ends_the_next_wait_once(alarm):
    """However often it rang."""
    alarm.ring()
    alarm.ring()
    assert alarm.wait(None, 10) is Event.RUNG
    assert alarm.wait(None, 0) is Event.LATE


def test_a_ring_from_another_thread_ends_the_wait(alarm):
    """The reason why it exists."""
    threading.Timer(0.02, alarm.ring).start()
    assert alarm.wait(None, 10) is Event.RUNG


def test_a_signal_handler_may_ring_in_the_waiting_thread(alarm):
    """As the launcher's does when the bus thread is the main thread."""
    old = signal.signal(signal.SIGALRM, lambda *_: alarm.ring())
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        assert alarm.wait(None, 10) is Event.RUNG
    finally:
        signal.signal(signal.SIGALRM, old)


def test_many_rings_never_block(alarm):
    """A full pipe is rung enough."""
    for _ in range(100_000):
        alarm.ring()
    assert alarm.wait(None, 0) is Event.RUNG
    assert alarm.wait(None, 0) is Event.LATE


def test_a_ring_wins_over_input(alarm):
    """A stream that never pauses cannot hide a stop."""
    ear, mouth = os.pipe()
    os.write(mouth, b"x")
    assert alarm.wait(ear, 10) is Event.READY
    alarm.ring()
    assert alarm.wait(ear, 10) is Event.RUNG
    os.close(ear)
    os.close(mouth)


def test_closing_twice_and_ringing_after_do_nothing():
    """Another thread may be late."""
    alarm = Alarm()
    alarm.close()
    alarm.close()
    alarm.ring()


def test_ringing_while_it_closes_never_writes_to_a_foreign_descriptor():
    """The number may belong to somebody else a moment later."""
    for _ in range(50):
        alarm = Alarm()
        ringer = threading.Thread(target=lambda a=alarm: [a.ring() for _ in range(50)])
        ringer.start()
        alarm.close()
        ear, mouth = os.pipe()
        ringer.join()
        os.set_blocking(ear, False)
        with pytest.raises(BlockingIOError):
            os.read(ear, 1)
        os.close(ear)
        os.close(mouth)
