"""Rules of `task_core.api.worker`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_core.api.worker import (
    Kind,
    Outcome,
    Worker,
    alert,
    complete,
    describe,
    failed,
    interrupted,
    retry,
    warn,
)


@pytest.mark.parametrize(
    ("outcome", "result", "msg"),
    [
        (complete(), "complete", ""),
        (complete("3 rows"), "complete", "3 rows"),
        (failed("no table"), "error", "no table"),
        (failed(ValueError("no table")), "error", "ValueError: no table"),
        (warn("late"), "warn", "late"),
        (alert("disk full"), "alert", "disk full"),
        (retry("busy"), "error", "busy"),
        (interrupted(), "error", "task interrupted"),
    ],
)
def test_each_outcome_has_its_result(outcome, result, msg):
    """The words of the wire, as plain text."""
    assert (outcome.result, outcome.msg) == (result, msg)
    assert type(outcome.result) is str


def test_only_retry_runs_again():
    """With the delay that the worker asks for, or the launcher's."""
    outcomes = [complete(), failed("a"), warn("a"), alert("a"), interrupted()]
    assert not any(outcome.kind == Kind.RETRY for outcome in outcomes)
    assert retry("a").kind == Kind.RETRY
    assert retry("a").delay is None
    assert retry("a", 3).delay == 3


def test_only_interrupted_is_unfinished():
    """The launcher gives such a task back where it can."""
    outcomes = [complete(), failed("a"), warn("a"), alert("a"), retry("a")]
    assert not any(outcome.kind == Kind.INTERRUPTED for outcome in outcomes)
    assert interrupted().kind == Kind.INTERRUPTED


def test_an_outcome_does_not_change():
    """One object may stand for many runs."""
    with pytest.raises(AttributeError):
        complete().msg = "x"
    assert complete() is complete()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a"), "ValueError: a"),
        (ValueError(), "ValueError"),
        (KeyError("a"), "KeyError: 'a'"),
        (
            OSError(2, "No such file", "/a"),
            "FileNotFoundError: [Errno 2] No such file: '/a'",
        ),
        (RuntimeError("a\n  b\tc"), "RuntimeError: a b c"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_an_exception_is_told_in_one_line(error, text):
    """Its type and its text; blanks of any kind are one."""
    assert describe(error) == text


@given(st.text())
def test_a_description_is_one_line(text):
    """Whatever the exception says."""
    assert len(describe(ValueError(text)).splitlines()) == 1


def test_a_worker_class_needs_do_task():
    """Forgetting it is told when the object is made."""
    with pytest.raises(TypeError, match="do_task"):
        type("Lazy", (Worker,), {})()


def test_a_worker_need_not_have_anything_to_close():
    """Most have not."""

    class Plain(Worker):
        def do_task(self, ctx):
            return Outcome("complete")

    assert Plain().close() is None
