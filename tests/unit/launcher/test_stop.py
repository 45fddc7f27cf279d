"""Rules of `task_core.launcher.stop`: asked once with grace, asked twice at once."""

from task_testing import FakeClock

from task_core.launcher.stop import Cancel, Stage, Stop


def test_a_stop_goes_from_stage_to_stage():
    """Asked, then grace, then over when the kill time is."""
    clock = FakeClock()
    stop = Stop(10.0, clock)
    assert (stop.stage, stop.begins_grace()) == (Stage.GOING, False)
    stop.request()
    assert (stop.stage, stop.wants_attention) == (Stage.ASKED, True)
    assert stop.begins_grace()
    assert (stop.stage, stop.wants_attention) == (Stage.GRACE, False)
    assert not stop.begins_grace()
    clock.advance(9)
    assert (stop.stage, stop.grace_left, stop.waited) == (Stage.GRACE, 1.0, 9.0)
    clock.advance(2)
    assert (stop.stage, stop.grace_left, stop.waited) == (Stage.OVER, 0.0, 10.0)


def test_the_second_request_is_over_at_once():
    """Whether the first was acted upon or not."""
    for acted in (False, True):
        stop = Stop(3600.0, FakeClock())
        stop.request()
        assert stop.begins_grace() is True or not acted
        stop.request()
        assert (stop.stage, stop.wants_attention) == (Stage.OVER, True)


def test_two_requests_before_anybody_acts_begin_the_grace_once_and_are_over():
    """What no slot has begun is still given back."""
    stop = Stop(3600.0, FakeClock())
    stop.request()
    stop.request()
    assert stop.begins_grace()
    assert stop.stage is Stage.OVER


def test_a_cancel_ends_every_wait_and_calls_every_listener():
    """Repeating it is harmless."""
    cancel, calls = Cancel(), []
    cancel.listen(lambda: calls.append(1))
    assert not cancel.requested
    assert cancel.wait(0) is False
    cancel.request()
    cancel.request()
    assert cancel.requested
    assert cancel.wait(60) is True
    assert calls == [1, 1]
