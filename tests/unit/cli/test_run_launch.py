"""Rules of `task_core.cli.run_launch`."""

import logging
import signal
import subprocess
import sys
from datetime import timedelta

import attrs
import pytest
from task_testing import FakeClock

from task_core.cli.launch_options import LaunchOptions
from task_core.cli.run_launch import exit_code
from task_core.launcher.plan import AckMode, Guarantee, Plan, Pool, TypePolicy
from task_core.launcher.stats import Stats, summary

TOLD = {
    "dead_topic": "other.dead",
    "drain": True,
    "ack": AckMode.EARLY,
    "require": Guarantee.ATOMIC,
    "pool": Pool.PROCESS,
    "type_policy": TypePolicy.REJECT,
    **dict.fromkeys(("topic", "channel", "done_topic"), "other"),
    **dict.fromkeys(("concurrency", "prefetch", "max_tasks"), 7),
    **dict.fromkeys(("max_attempts", "retries"), 7),
    **dict.fromkeys(("kill_time", "lease", "retry_delay"), timedelta(seconds=7)),
    "timeout": timedelta(seconds=7),
    **dict.fromkeys(("max_memory_per_child", "max_task_bytes"), "7M"),
    "rate": "7/s",
    "pause_on_errors": 7,
    **dict.fromkeys(("max_tasks_per_child", "max_leaked"), 7),
}
"""For each option of a plan a value that is not its default."""


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
    "name", [name for name in attrs.fields_dict(Plan) if hasattr(LaunchOptions(), name)]
)
def test_every_option_of_a_plan_reaches_it(name):
    """One that is declared and not handed over would have no effect."""
    plan = LaunchOptions(**{name: TOLD[name]}).plan
    assert getattr(plan, name) != getattr(Plan(), name)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        ("dead", "sent to the dead topic"),
        ("retried", "to run again"),
        ("put_off", "put off"),
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


STUCK = """
import logging, threading
from task_core.launcher.signals import leave
threading.Thread(target=threading.Event().wait).start()
logging.basicConfig()
logging.error("last words")
leave(7)
"""


@pytest.mark.parametrize(
    ("signals", "failed", "code"),
    [
        ([], False, 0),
        ([], True, 1),
        ([signal.SIGTERM], False, 0),
        ([signal.SIGTERM], True, 1),
        ([signal.SIGINT], False, 130),
        ([signal.SIGINT], True, 130),
        ([signal.SIGTERM, signal.SIGTERM], False, 130),
    ],
)
def test_the_exit_code_tells_how_it_ended(signals, failed, code):
    """A clean stop is a success; an interrupt or a forced end is none."""
    assert exit_code(signals, failed=failed) == code


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ([signal.SIGTERM], 4),
        ([signal.SIGINT], 130),
        ([signal.SIGTERM, signal.SIGTERM], 130),
    ],
)
def test_a_bus_that_does_not_answer_is_no_success(signals, code):
    """What was done may not be known to anybody."""
    assert exit_code(signals, failed=True, stuck=True) == code


def test_a_thread_that_is_stuck_keeps_no_process_alive():
    """What was logged before gets out."""
    done = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 7
    assert b"last words" in done.stderr


DECLARING = """
from task_core.api import worker

@worker(retries=1, retry_delay="0s", timeout="1m", topic="jobs")
def hello(info):
    raise ValueError("no")
"""


@pytest.mark.parametrize(
    ("flags", "toml", "environment", "runs"),
    [
        ((), "", {}, 2),
        (("--retries", "0"), "", {}, 1),
        ((), "[launch]\nretries = 0", {}, 1),
        ((), "", {"TASK_LAUNCH_RETRIES": "0"}, 1),
    ],
    ids=["declared", "flag", "TOML", "environment"],
)
def test_what_a_worker_declares_is_weaker_than_all_that_is_said(
    task, folder, monkeypatch, caplog, flags, toml, environment, runs
):
    """And stronger than the defaults."""
    (folder / "work.py").write_text(DECLARING)
    (folder / "task.toml").write_text(toml)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert task("send", "hello", "-b", "sqlite", "--topic", "jobs").code == 0
    caplog.set_level(logging.INFO)
    limit = ("--max-tasks", str(runs))
    done = task("launch", "-w", "work.py", "-b", "sqlite", *limit, *flags)
    assert done.code == 0
    assert caplog.text.count("ValueError: no") == runs
    assert ("1 to run again" in caplog.text) == (runs == 2)
    assert "timeout 1m0s" in caplog.text
