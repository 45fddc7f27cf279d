"""Rules of `task_core.launcher.window`: about 50 ms of work waits, not more."""

import pytest

from task_core.api.message import Delivery
from task_core.launcher.job import Job
from task_core.launcher.window import WIDEST, Window
from task_core.task import Task


def jobs(seconds, count=1):
    task = Task(type="load", info="")
    return [Job(Delivery(b""), task, took=seconds) for _ in range(count)]


def test_it_begins_strict():
    """Nothing is known about the tasks yet."""
    assert Window(4).size == 4


@pytest.mark.parametrize("seconds", [0.051, 1, 3600])
def test_slow_tasks_have_no_buffer(seconds):
    """However many slots there are."""
    window = Window(8)
    window.measure(jobs(seconds))
    assert window.size == 8


def test_the_buffer_is_worth_50_milliseconds():
    """For each slot, after it has grown."""
    window = Window(2)
    for _ in range(10):
        window.measure(jobs(0.01))
    assert window.buffer == 2 * 5


def test_it_grows_twofold_at_most_and_shrinks_at_once():
    """One lucky task is no proof."""
    window = Window(1)
    window.measure(jobs(0))
    assert window.buffer == 2
    window.measure(jobs(0))
    assert window.buffer == 6
    window.measure(jobs(1))
    assert window.buffer == 0


def test_it_has_a_widest():
    """However tiny the tasks are."""
    window = Window(3)
    for _ in range(20):
        window.measure(jobs(0, 5))
    assert window.buffer == WIDEST


def test_a_stall_closes_it():
    """No job finished for longer than the buffer was to last."""
    window = Window(1)
    window.measure(jobs(0))
    window.stall(0.049)
    assert window.buffer == 2
    window.stall(0.05)
    assert window.buffer == 0


def test_a_fixed_window_learns_nothing():
    """`--prefetch N`; 0 is strict."""
    for fixed in (0, 7):
        window = Window(2, fixed)
        window.measure(jobs(0, 5))
        window.stall(60)
        assert window.size == 2 + fixed


def test_stalls_are_looked_for_only_while_there_is_something_to_lose():
    """A strict or fixed window costs no wake-ups."""
    window = Window(1)
    assert window.watch == float("inf")
    window.measure(jobs(0))
    assert window.watch == 0.05
    assert Window(1, 5).watch == float("inf")
