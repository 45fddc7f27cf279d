"""Rules of `task_core.clock`."""

import re
import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_core.clock import SystemClock, format_stamp


@given(st.floats(0, 253402300799))
def test_a_stamp_is_rfc_3339_in_whole_seconds_of_utc(seconds):
    """Fractions are cut off, so that a stamp never lies in the future."""
    moment = datetime.fromtimestamp(int(seconds), UTC)
    assert format_stamp(seconds) == f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def test_a_stamp_is_now():
    """Within the second."""
    clock = SystemClock()
    before = int(time.time())
    stamp = clock.stamp()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp)
    assert format_stamp(before) <= stamp <= format_stamp(time.time())


def test_a_stamp_follows_the_time(monkeypatch):
    """The text is kept for a second, not longer."""
    clock = SystemClock()
    seen = []
    for second in (0.0, 0.9, 1.0, 86400.5):
        monkeypatch.setattr(time, "time", lambda second=second: second)
        seen.append(clock.stamp())
    assert seen == [format_stamp(second) for second in (0, 0, 1, 86400)]


def test_threads_never_see_half_a_stamp(monkeypatch):
    """The second and its text change together."""
    clock = SystemClock()
    ticks = iter(range(4000))
    moment = threading.local()
    monkeypatch.setattr(time, "time", lambda: moment.now)
    wrong = []

    def read():
        for tick in ticks:
            moment.now = tick
            if clock.stamp() != format_stamp(tick):
                wrong.append(tick)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_monotonic_never_goes_back():
    """Deadlines are counted on it."""
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(1000)]
    assert readings == sorted(readings)


@pytest.mark.parametrize("is_set", [True, False])
def test_a_wait_tells_whether_the_event_is_set(is_set):
    """Without waiting longer than asked."""
    event = threading.Event()
    if is_set:
        event.set()
    assert SystemClock().wait(event, 0 if not is_set else 60) is is_set


def test_a_wait_ends_with_the_event():
    """Not with its time."""
    event = threading.Event()
    thread = threading.Thread(target=event.set)
    thread.start()
    assert SystemClock().wait(event, 60)
    thread.join()
