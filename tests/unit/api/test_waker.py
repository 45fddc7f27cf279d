"""Rules of `task_core.api.waker`."""

import os
import signal
import threading
import time

import pytest

from task_core.api.waker import Event, Waker


@pytest.fixture
def waker():
    waker = Waker()
    yield waker
    waker.close()


def test_a_wait_without_a_wake_lasts_its_time(waker):
    """Neither shorter nor much longer."""
    begin = time.monotonic()
    assert waker.wait(0.05) is Event.LATE
    assert 0.049 <= time.monotonic() - begin < 10


def test_a_wake_before_the_wait_ends_the_next_wait_once(waker):
    """However often it rang."""
    waker.wake()
    waker.wake()
    assert waker.wait(10) is Event.WOKEN
    assert waker.wait(0) is Event.LATE


def test_a_wake_from_another_thread_ends_the_wait(waker):
    """The reason why it exists."""
    threading.Timer(0.02, waker.wake).start()
    assert waker.wait(10) is Event.WOKEN


def test_a_signal_handler_may_wake_in_the_waiting_thread(waker):
    """As the launcher's does when the bus thread is the main thread."""
    old = signal.signal(signal.SIGALRM, lambda *_: waker.wake())
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        assert waker.wait(10) is Event.WOKEN
    finally:
        signal.signal(signal.SIGALRM, old)


def test_many_wakes_never_block(waker):
    """A full pipe is woken enough."""
    for _ in range(100_000):
        waker.wake()
    assert waker.wait(0) is Event.WOKEN
    assert waker.wait(0) is Event.LATE


def test_a_wake_wins_over_input(waker):
    """A stream that never pauses cannot hide a stop."""
    ear, mouth = os.pipe()
    os.write(mouth, b"x")
    assert waker.wait(10, ear) is Event.READY
    waker.wake()
    assert waker.wait(10, ear) is Event.WOKEN
    os.close(ear)
    os.close(mouth)


def test_closing_twice_and_waking_after_do_nothing():
    """Another thread may be late."""
    waker = Waker()
    waker.close()
    waker.close()
    waker.wake()


def test_waking_while_it_closes_never_writes_to_a_foreign_descriptor():
    """The number may belong to somebody else a moment later."""
    for _ in range(50):
        waker = Waker()
        waking = threading.Thread(target=lambda a=waker: [a.wake() for _ in range(50)])
        waking.start()
        waker.close()
        ear, mouth = os.pipe()
        waking.join()
        os.set_blocking(ear, False)
        with pytest.raises(BlockingIOError):
            os.read(ear, 1)
        os.close(ear)
        os.close(mouth)
