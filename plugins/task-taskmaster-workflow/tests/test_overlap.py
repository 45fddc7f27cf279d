"""Rules of phases of which one task is to run at a time, and one of them is never done.

It may have killed its workers, or have been put aside: nobody tells of its end.
"""

import logging
from datetime import timedelta

import pytest
from flows import START, Flow
from flows import done as told
from task_store import outbox
from task_taskmaster_workflow import timekeeper
from task_taskmaster_workflow.folder import Library
from task_taskmaster_workflow.following import Topics
from task_taskmaster_workflow.successes import Successes
from task_taskmaster_workflow.timekeeper import Timekeeper
from task_taskmaster_workflow.why import why
from task_testing import RecordingBus, run_taskmaster

PHASE = '[[phase]]\ntask = "a"\ncron = "0 5 * * *"\ntemplate = "{{dd}}"\n{}\n'


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO)

    def lines(text):
        return [it.getMessage() for it in caplog.records if text in it.getMessage()]

    return lines


def infos(sent):
    return [task.info for task, _ in sent]


@pytest.mark.parametrize("overlap", ["wait", "skip"])
@pytest.mark.parametrize(
    ("more", "days", "length"),
    [
        ("", ["05", "07", "09"], "24h0m0s"),
        ('deadline = "50h"', ["05", "08"], "50h0m0s"),
        ("retry = 1", ["05", "08"], "49h0m0s"),
    ],
)
def test_what_is_never_done_is_waited_for_a_day(
    files, log, monkeypatch, overlap, more, days, length
):
    """Or up to the deadline, if that is later; each retry may take as long."""
    monkeypatch.setattr(timekeeper, "LOOK_EVERY", 3600.0)  # for six days
    monkeypatch.setattr(outbox, "LONGEST", 3600.0)
    files.write(PHASE.format(f'overlap = "{overlap}"\nmissed = "skip"\n{more}'))
    flow = Flow(files)
    flow.options = type(flow.options)(path=files.folder, alert_topic="-")
    sent = flow.pass_time(days=5, hours=6)
    assert [it.info for it, _ in sent][: len(days)] == days
    lost = log("waits no longer for its task")
    assert sent[0][0].id in lost[0]
    assert lost[0].endswith(f"not done after {length}")


@pytest.mark.parametrize(
    ("overlap", "text"), [("wait", "waits with its firing"), ("skip", "leaves out its")]
)
def test_it_is_told_what_a_firing_waits_for(files, log, overlap, text):
    """Once for each firing, by its id; `why` tells it, too."""
    files.write(PHASE.format(f'overlap = "{overlap}"').replace("0 5", "0 *"))
    flow = Flow(files)
    ((task, _),) = flow.pass_time(hours=3, minutes=30)
    lines = log(text)
    assert len(lines) == 2
    assert all(task.id in line for line in lines)
    workflow = flow.make()._library.book.entries["shop.toml"].workflow
    line = why(flow.store, workflow, workflow.phases[0], task.id)[0]
    start = (
        f"shop.toml a does not fire until its task {task.id}, sent at 2026-01-05T01:"
    )
    assert line.startswith(start)
    flow.follow(told("a", id=task.id, created=task.created, meta=task.meta))
    assert len(flow.pass_time(hours=1)) == 1


@pytest.mark.parametrize("overlap", ["wait", "skip"])
def test_a_firing_does_not_wait_for_itself(files, log, overlap):
    """Of two instances the second finds what the first one has sent for it."""
    files.write(PHASE.format(f'overlap = "{overlap}"'))
    flow = Flow(files)

    def run(ctx):
        topics = Topics(failed="failed", alerts="alerts")
        more = (flow.store, topics, 10.0, Successes())
        both = [Timekeeper(ctx, Library(files.folder), *more) for _ in range(2)]
        ctx.wait(5 * 3600 + 1)
        assert [it._fire_due() for it in both] == [True, True]

    bus = RecordingBus()
    until = START + timedelta(hours=6)
    run_taskmaster(run, clock=flow.clock, bus=bus, until=until)
    assert len(log("a fires")) == 2
    assert log("not done") + log("waits") == []
    assert len(flow.pass_time(minutes=1)) == 1
