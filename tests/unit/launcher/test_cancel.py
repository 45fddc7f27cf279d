"""Rules of `task_core.launcher.cancel`: one switch, set once, seen by everybody."""

from task_core.launcher.cancel import Cancel


def test_it_ends_every_wait_and_calls_every_listener():
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
