"""Rules of `task_core.cli.run_launch`."""

import pytest
from task_testing import FakeClock

from task_core.cli.run_launch import summary
from task_core.launcher.stats import Stats


@pytest.fixture
def stats():
    """The counts of a launcher that has run for two seconds."""
    clock = FakeClock()
    made = Stats(clock)
    clock.advance(2)
    return made


def test_the_summary_counts_results(stats):
    """Those that are complete always, others when there are some."""
    assert summary(stats, 0) == "0 complete in 2.00s"
    stats.done = 1203
    stats.odd.update(error=2, warn=1)
    assert summary(stats, 0) == "1,200 complete, 2 error, 1 warn in 2.00s"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        ("dead", "sent to the dead topic"),
        ("retried", "to run again"),
        ("returned", "given back"),
        ("lost", "gone to others"),
        ("abandoned", "forced to close"),
    ],
)
def test_what_left_no_done_task_is_told(stats, count, text):
    """Only what there was."""
    setattr(stats, count, 3)
    assert summary(stats, 0) == f"0 complete, 3 {text} in 2.00s"


def test_what_the_bus_never_confirmed_is_told(stats):
    """It may come again."""
    assert summary(stats, 4) == "0 complete, 4 not reported in 2.00s"


@pytest.mark.parametrize(
    ("flags", "shown", "missing"),
    [(("--ack", "early"), 2, "ack"), (("--retries", "1"), 1, "delay")],
    ids=["early", "retries"],
)
def test_what_the_bus_cannot_do_is_refused_at_the_start(task, flags, shown, missing):
    """Before a task is taken from it."""
    done = task("launch", "-w", "echo", *flags, stdin=b'{"type":"echo","info":""}\n')
    assert (done.code, done.out) == (2, "")
    assert f"bus 'stdio' cannot do {' '.join(flags[:shown])}: " in done.err
    assert f"it does not offer '{missing}'" in done.err
