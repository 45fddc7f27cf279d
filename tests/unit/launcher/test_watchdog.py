"""Rules of `task_core.launcher.watchdog`: reading that has stalled is noticed."""

import logging

import pytest
from task_testing import FakeClock, RecordingBus

from task_core.api.capabilities import Capabilities
from task_core.errors import BusConnectionError, BusError
from task_core.launcher.watchdog import FIRST_STALL, LAST_STALL, Watchdog

LOG = logging.getLogger("task.test.watchdog")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def watch(clock):
    """`watch(answer)` makes a watchdog over a bus that answers so."""

    def make(answer, *, declared=True):
        bus = RecordingBus((), Capabilities(depth=declared))
        bus.depth = answer
        return Watchdog(bus, "load", "load", clock, LOG)

    return make


def raising(error):
    def depth(topic, channel):
        raise error

    return depth


def test_a_backlog_of_which_nothing_comes_makes_it_bark(clock, watch):
    """After a while; what comes quiets it."""
    dog = watch(lambda topic, channel: 1)
    clock.advance(FIRST_STALL - 1)
    assert not dog.barks()
    dog.feed()
    clock.advance(FIRST_STALL - 1)
    assert not dog.barks()
    clock.advance(1)
    assert dog.barks()
    assert not dog.barks()


def test_it_barks_less_and_less_often_until_something_comes(clock, watch):
    """Others may have the backlog, and subscribing costs them a pause."""
    dog = watch(lambda topic, channel: 1)
    pauses, before = [], clock.monotonic()
    while len(pauses) < 7:
        clock.advance(10)
        if dog.barks():
            pauses.append(clock.monotonic() - before)
            before = clock.monotonic()
    assert pauses == [120, 240, 480, 960, 1920, LAST_STALL, LAST_STALL]
    dog.feed()
    clock.advance(FIRST_STALL)
    assert dog.barks()


def test_no_backlog_is_no_reason(clock, watch):
    dog = watch(lambda topic, channel: 0)
    clock.advance(FIRST_STALL)
    assert not dog.barks()


@pytest.mark.parametrize("error", [BusError("no rights"), BusConnectionError("away")])
def test_a_question_that_fails_ends_nothing(clock, watch, error):
    """Who may not ask for the backlog, or cannot, may still read."""
    dog = watch(raising(error))
    clock.advance(FIRST_STALL)
    assert not dog.barks()


def test_a_bus_that_tells_no_depth_is_not_asked(clock, watch):
    dog = watch(raising(AssertionError("asked")), declared=False)
    clock.advance(FIRST_STALL)
    assert not dog.barks()
