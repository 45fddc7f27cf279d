"""Rules of `--pause-on-errors`: a broken deployment does not burn its topic."""

import logging

import pytest
from simulation import simulate
from task_testing import FakeClock

from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery
from task_core.api.worker import (
    COMPLETE,
    alert,
    failed,
    interrupted,
    later,
    retry,
    warn,
)
from task_core.launcher.context import Job
from task_core.launcher.limits.pause import FIRST_PAUSE, LAST_PAUSE, Pause
from task_core.task import Task

LOG = logging.getLogger("task.test")
KEEPS = Capabilities(ack=True, bounded=True)
BAD = failed("no database")


def job(outcome, killed=""):
    return Job(Delivery(b""), Task(type="load", info=""), outcome, killed=killed)


def test_failures_in_a_row_pause_and_a_success_ends_the_row():
    """One that fails now and then is no reason."""
    pause = Pause(3, FakeClock(), LOG)
    pause.note([job(BAD), job(alert("x"))])
    pause.note([job(COMPLETE)])
    pause.note([job(BAD), job(retry("x"))])
    assert not pause.paused
    pause.note([job(BAD)])
    assert pause.paused


@pytest.mark.parametrize("outcome", [interrupted(), later("x", 1.0)])
def test_what_has_not_run_says_nothing(outcome):
    """Neither that all is well, nor that it is not."""
    pause = Pause(2, FakeClock(), LOG)
    pause.note([job(BAD), job(outcome)])
    assert not pause.paused
    pause.note([job(BAD)])
    assert pause.paused


@pytest.mark.parametrize("outcome", [interrupted(), later("x", 1.0)])
def test_what_is_tried_and_does_not_run_says_nothing_either(outcome, caplog):
    """Another one is tried, after as long as before."""
    caplog.set_level("INFO")
    clock = FakeClock()
    pause = Pause(1, clock, LOG)
    pause.note([job(BAD)])
    told = len(caplog.messages)
    clock.advance(FIRST_PAUSE)
    assert pause.look(1, 0) == (1, 0.0)
    tried = job(outcome)
    pause.took([tried])
    pause.note([tried])
    assert pause.paused
    assert len(caplog.messages) == told
    assert pause.look(1, 0) == (0, FIRST_PAUSE)
    clock.advance(FIRST_PAUSE)
    assert pause.look(1, 0) == (1, 0.0)


def test_a_death_is_a_failure():
    """Of a process that took its task with it."""
    pause = Pause(1, FakeClock(), LOG)
    pause.note([job(COMPLETE, killed="was killed by SIGSEGV")])
    assert pause.paused


def test_one_task_is_tried_at_growing_intervals():
    """From a second to a minute."""
    clock = FakeClock()
    pause = Pause(1, clock, LOG)
    pause.note([job(BAD)])
    waits = []
    for _ in range(9):
        room, wait = pause.look(4, 0)
        assert room == 0
        waits.append(wait)
        clock.advance(wait)
        assert pause.look(4, 0) == (1, 0.0)
        tried = job(BAD)
        pause.took([tried])
        assert pause.look(4, 1)[0] == 0
        pause.note([tried])
    assert waits[0] == FIRST_PAUSE
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == LAST_PAUSE


def test_any_success_ends_the_pause():
    """Also that of a task which began before it."""
    pause = Pause(1, FakeClock(), LOG)
    pause.note([job(BAD)])
    pause.note([job(warn("done"))])
    assert not pause.paused
    assert pause.failures == 0


@pytest.mark.parametrize("slots", [1, 4])
def test_a_deployment_that_is_broken_burns_few_tasks(slots):
    """Those until it pauses, and then one now and then."""
    run = simulate(
        10_000,
        lambda n: 1e-5,
        outcome=lambda job: COMPLETE if run.world.now > 100 else BAD,
        concurrency=slots,
        pause_on_errors=5,
    )
    run.work()
    early = [at for at in run.began if at < 100]
    assert len(early) <= 5 + slots + 7
    assert sorted(set(run.bus.settled)) == list(range(10_000))
    assert run.world.now < 300


@pytest.mark.parametrize("prefetch", [None, 500])
@pytest.mark.parametrize("slots", [1, 4])
def test_one_that_breaks_while_it_works_holds_nothing_beyond_its_slots(slots, prefetch):
    """Nothing has to be given back, which not every bus can."""
    broken = []

    def outcome(job):
        if not broken and int(job.task.info) == 500:
            broken.append(run.world.now)
        well = not broken or run.world.now > broken[0] + 60
        return COMPLETE if well else BAD

    run = simulate(
        2_000,
        lambda n: 1e-5,
        outcome=outcome,
        pause_on_errors=20,
        concurrency=slots,
        prefetch=prefetch,
    )
    run.work()
    burnt = [at for at in run.began if broken[0] <= at < broken[0] + 60]
    assert 20 <= len(burnt) <= 20 + slots + 7
    assert sorted(run.bus.settled) == list(range(2_000))
    assert run.bus.given_back == []


def test_one_line_and_a_hook_tell_of_a_pause_and_of_its_end(hooks, caplog):
    """With how it failed."""
    told = []
    caplog.set_level("WARNING")
    simulate(
        50,
        lambda n: 0.1,
        outcome=lambda job: BAD if 3 <= int(job.task.info) < 8 else COMPLETE,
        pause_on_errors=3,
        hooks=hooks(
            launcher_paused=lambda failures, msg: told.append((failures, msg)),
            launcher_resumed=lambda seconds: told.append(seconds > FIRST_PAUSE),
        ),
    ).work()
    assert told == [(3, "no database"), True]
    lines = [record.getMessage() for record in caplog.records]
    first, second = [text for text in lines if ", failed: " not in text]
    assert first.startswith("3 tasks in a row have failed, the last one with 'no data")
    assert "receiving no more until one succeeds" in first
    assert second.startswith("a task has succeeded after")


def test_a_stop_ends_a_pause_at_once(rig, script, make_tasks, until):
    """Nobody waits for the next try."""

    def worker(info):
        raise ValueError(info)

    bus = script(make_tasks(*range(500)), bounded=False, capabilities=KEEPS)
    made = rig(worker, bus, pause_on_errors=1).start()
    until(lambda: made.stats.done > 0)
    made.launcher.stop()
    made.join()
    assert made.stats.done < 10


def test_a_stream_is_read_to_its_end_through_a_pause(rig, script, make_tasks):
    """A pipe takes nothing back: nothing of it is left when it ends."""
    failing = iter([True, True])

    def worker(info):
        if next(failing, False):
            raise ValueError(info)

    bus = script(make_tasks(*range(10)), capabilities=Capabilities(bounded=True))
    rig(worker, bus, pause_on_errors=2, prefetch=9).start().join()
    assert len(bus.done) == 10
    assert [task.result for task in bus.done].count("error") == 2
