"""Rules of `task_core.builtin.nop_worker`."""

import threading
import time
from types import SimpleNamespace

import pytest

from task_core.builtin import workers
from task_core.builtin.nop_worker import NopWorker


class Ctx(SimpleNamespace):
    """As much of a context as the worker needs."""

    def __init__(self):
        super().__init__(cancel=threading.Event())
        self.wait = self.cancel.wait


@pytest.mark.parametrize("rate", [0, 1, 33, 100])
def test_of_every_hundred_tasks_exactly_the_rate_fails(rate):
    """Not one more, as in the Go system."""
    worker = NopWorker(rate, 0, 0)
    for _ in range(3):
        results = [worker.do_task(Ctx()).result for _ in range(100)]
        assert results.count("error") == rate


def test_a_task_takes_its_time():
    """And says that it finished."""
    begin = time.monotonic()
    outcome = NopWorker(0, 0.05, 0.01).do_task(Ctx())
    assert 0.05 <= time.monotonic() - begin < 10
    assert (outcome.result, outcome.msg) == ("complete", "finished")


def test_cancel_ends_the_sleep():
    """As an interrupted task."""
    ctx = Ctx()
    threading.Timer(0.02, ctx.cancel.set).start()
    begin = time.monotonic()
    assert NopWorker(0, 60, 0).do_task(ctx).kind == "interrupted"
    assert time.monotonic() - begin < 5


def test_the_manifest_makes_it_with_its_options():
    """Percentages outside 0 to 100 are refused."""
    worker = workers.nop.make(workers.NopOptions(fail_rate=100))
    assert worker.do_task(Ctx()).msg == "failed"
    with pytest.raises(ValueError, match="fail_rate"):
        workers.NopOptions(fail_rate=101)


def test_echo_returns_its_info():
    """The simplest worker there is."""
    assert workers.echo.make(workers.echo.options())("hello") == "hello"
