"""Rules of `task_core.launcher.outages`: a broker that goes away comes back."""

import itertools
import logging

import pytest
from task_testing import FakeClock, RecordingBus

from task_core.api.capabilities import Capabilities
from task_core.errors import BusConnectionError, BusError, SendError
from task_core.launcher.outages import (
    FIRST_PAUSE,
    FIRST_STALL,
    LAST_PAUSE,
    LAST_STALL,
    LOOK_AGAIN,
    Outages,
    Watchdog,
    is_passing,
)

LOG = logging.getLogger("task.test.outages")
AWAY = BusConnectionError("broker a:1 is away")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def outages(clock, told):
    return Outages(clock.advance, clock, LOG, lambda error: told.append(error))  # noqa: PLW0108


def failing(*errors):
    """Return what raises these, one at each call, and then returns 7."""
    left = list(errors)

    def act():
        if left:
            raise left.pop(0)
        return 7

    return act


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (AWAY, True),
        (SendError("half", [1], transient=True), True),
        (SendError("refused", [1]), False),
        (BusError("no rights"), False),
    ],
)
def test_what_may_work_later_is_tried_again_and_nothing_else(outages, error, passing):
    """An error that stays would be repeated for ever."""
    assert is_passing(error) is passing
    if passing:
        assert outages.attempt(failing(error)) is False
        assert outages.insist(failing(error), lambda: False) == 7
        return
    for call in (outages.attempt, lambda act: outages.insist(act, lambda: False)):
        with pytest.raises(type(error)):
            call(failing(error))


def test_the_pauses_grow_to_a_limit_and_begin_anew(outages, clock):
    """With jitter: between half and the whole."""
    act = failing(*[AWAY] * 12)
    pauses = []
    while not outages.attempt(act):
        pauses.append(clock.monotonic() - sum(pauses))
    bounds = [min(LAST_PAUSE, FIRST_PAUSE * 2**n) for n in range(12)]
    for pause, bound in zip(pauses, bounds, strict=True):
        assert bound / 2 <= pause <= bound + 1e-9
    before = clock.monotonic()
    outages.attempt(failing(AWAY))
    assert clock.monotonic() - before <= FIRST_PAUSE


def test_an_outage_is_told_once_at_its_beginning_and_at_its_end(outages, told, caplog):
    """A log of an outage of hours has two lines."""
    with caplog.at_level(logging.INFO, LOG.name):
        outages.insist(failing(*[AWAY] * 5), lambda: False)
        outages.attempt(failing())
    assert [error.args for error in told] == [AWAY.args]
    first, last = caplog.messages
    assert first == "broker a:1 is away; trying again until it is back"
    assert last.startswith("the bus is back after ")


def test_what_did_not_need_the_bus_is_no_sign_of_life(outages, caplog):
    """Such as settling when there is nothing to settle."""
    outages.attempt(failing(AWAY))
    caplog.clear()
    with caplog.at_level(logging.INFO, LOG.name):
        assert outages.attempt(lambda: False) is True
        assert outages.insist(lambda: False, lambda: True) is False
        assert caplog.messages == []
        outages.attempt(failing())
    assert len(caplog.messages) == 1


def test_who_gives_up_gets_the_error(outages):
    """For example, when a second signal has come."""
    answers = itertools.chain([False, False], itertools.repeat(True))
    with pytest.raises(BusConnectionError):
        outages.insist(failing(*[AWAY] * 9), lambda: next(answers))


def test_what_works_costs_no_pause(outages, clock):
    """Nor a line in the log."""
    assert outages.attempt(failing()) is True
    assert clock.waits == []
    assert clock.monotonic() == 0


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


def test_a_backlog_is_asked_for_when_somebody_wants_to_know(clock, watch):
    """And not each time: that is a call on the bus."""
    depths = [3, 2, 1]
    dog = watch(lambda topic, channel: depths.pop(0))
    for seconds, known in ((0, 3), (LOOK_AGAIN / 2, 3), (LOOK_AGAIN, 2)):
        clock.advance(seconds)
        dog.wanted = True
        dog.look()
        assert dog.depth == known
    assert not dog.wanted


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
