"""Rules of `task_core.cli.launch`: what it wants to know before it starts."""

import os
import pty
import subprocess
import sys

import pytest

from task_core.cli.command_options import TAIL
from task_core.cli.launch import SECTION
from task_core.cli.launch_options import GROUPS
from task_core.cli.parameters import SHORT


@pytest.mark.parametrize("words", [(), ("-w", "echo", "--taskmaster", "cron")])
def test_either_a_worker_or_a_taskmaster_is_launched(task, install, words):
    """Not both, and not neither."""
    install("taskmaster", "cron", TASKMASTER)
    done = task("launch", *words)  # and not what an option of one of them lacks
    assert done.code == 2
    assert done.err.startswith("task: launch what? Give --worker")


@pytest.mark.parametrize(("level", "told"), [("info", True), ("error", False)])
def test_what_a_launcher_logs_goes_to_stderr_as_loud_as_wanted(level, told):
    """The data stream holds tasks only."""
    done = subprocess.run(
        [sys.executable, "-m", "task_core", "launch", "-w", "echo", "-l", level],
        input=b'{"type":"echo","info":"x"}\n',
        capture_output=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert (b"1 complete" in done.stderr) is told


def test_a_wrong_level_is_refused(task):
    """With those that there are."""
    told = task("launch", "-w", "echo", "-l", "loud").err
    assert told == (
        "task: --log-level: 'loud' is none of debug, info, warning, error\n"
    )


def test_the_level_may_be_set_for_all_commands(task, folder, monkeypatch):
    """By a variable or the table `[task]`, as everything else."""

    def level():
        lines = task("config", "show").out.splitlines()
        return next(line.split()[1:] for line in lines if "launch.log_level" in line)

    assert level() == ["info", "default"]
    (folder / "task.toml").write_text("[task]\nlog_level = 'error'\n")
    assert level() == ["error", "task.toml,", "line", "2"]
    monkeypatch.setenv("TASK_LOG_LEVEL", "debug")
    assert level() == ["debug", "TASK_LOG_LEVEL"]


@pytest.mark.parametrize("lease", ["0s", "-5s", "5"])
def test_a_lease_is_more_than_nothing(task, lease):
    """Others would do each task as well."""
    done = task("launch", "-w", "echo", "--bus", "sqlite", f"--lease={lease}")
    assert done.code == 2
    assert done.err.startswith("task: --lease: ")


def test_help_shows_what_belongs_together():
    """Each option once, under a title that says when one needs it."""
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted(spec.name for spec in SECTION.specs)


def test_help_is_in_groups_and_as_wide_as_the_terminal(task, monkeypatch):
    """Up to 120 characters."""
    monkeypatch.setenv("COLUMNS", "100")
    text = task("launch", "--help").out
    titles = [line[:-1] for line in text.splitlines() if line.endswith(":")]
    assert [title for title in titles if title in GROUPS] == list(GROUPS)
    assert 80 < max(map(len, text.splitlines())) <= 100


def on_a_terminal(*words):
    """Run a command whose stdin is a terminal, on which somebody gives Ctrl-D."""
    ours, theirs = pty.openpty()
    os.write(ours, b"\x04")
    done = subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        stdin=theirs,
        capture_output=True,
        text=True,
        check=True,
    )
    os.close(ours)
    os.close(theirs)
    return done


def test_a_terminal_is_told_what_is_awaited(folder):
    """Nothing is piped in, so somebody has to type."""
    told = on_a_terminal("launch", "-w", "echo").stderr
    assert told.startswith("task: reading tasks from this terminal, one JSON")


def test_a_taskmaster_does_not_say_that_it_reads_the_terminal(folder):
    """It makes tasks; what is typed is for nobody."""
    (folder / "visitors.py").write_text(VISITORS)
    done = on_a_terminal("launch", "--taskmaster", "./visitors.py:visitors")
    assert '"type":"hello"' in done.stdout
    assert "terminal" not in done.stderr


def test_short_flags_are_those_of_options_that_there_are():
    """Each one letter of its own."""
    specs = (*SECTION.specs, *TAIL.specs)
    assert {*SHORT} <= {spec.name for spec in specs}
    assert len({*SHORT.values()}) == len(SHORT)


TASKMASTER = """
import attrs
from task_core.api import TaskmasterPlugin

@attrs.frozen
class Options:
    rules: str

plugin = TaskmasterPlugin(
    name="cron", summary="x", make=lambda options: None, options=Options
)
"""


VISITORS = """
from task_core.api import Task, taskmaster

@taskmaster
def visitors(ctx):
    ctx.send(Task.new("hello", "Ada"))
"""


TWO = """
from task_core.api import worker

@worker
def one(info):
    return f"1 {info}"

@worker
def two(info):
    raise ValueError("no")
"""


def test_several_workers_run_in_one_process_each_on_its_own_topic(task, folder, caplog):
    """One summary, and the worst exit code."""
    caplog.set_level("INFO")
    (folder / "two.py").write_text(TWO)
    for kind in ("one", "two", "one"):
        assert task("send", kind, "x", "--bus", "sqlite").code == 0
    workers = ("-w", "two.py:one", "-w", "two.py:two")
    done = task("launch", *workers, "--bus", "sqlite", "--drain", "--fail")
    assert done.code == 1
    assert "2 complete, 1 error in" in caplog.text


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ((), "several workers cannot share what is piped in"),
        (("-b", "sqlite", "-t", "x"), "topic: of several workers, each reads its own"),
        (("-b", "sqlite", "--channel", "x"), "channel: of several workers"),
        (("-b", "sqlite", "-t", "x", "-n", "2"), "topic: of several workers, each"),
        (("-b", "sqlite", "-w", "two.py:three"), "there is no 'three'"),
        (
            ("-b", "sqlite", "-w", "other.py:one"),
            "'two.py:one' and worker 'other.py:one' both read topic one: leave one out",
        ),
        (("-b", "sqlite", "-w", "two.py:two", "-n", "2"), "both read topic two"),
        (
            ("-b", "sqlite", "-w", "exec:cat", "-w", "exec:/bin/cat"),
            "worker 'exec:cat' and worker 'exec:/bin/cat' both read topic cat",
        ),
    ],
)
def test_what_several_workers_cannot_share_is_refused(task, folder, flags, text):
    """Before anything is opened."""
    for name in ("two", "other"):
        (folder / f"{name}.py").write_text(TWO)
    done = task("launch", "-w", "two.py:one", "-w", "two.py:two", *flags)
    assert done.code in (2, 3)
    assert text in done.err
    assert not (folder / "task.db").exists()


def test_a_flag_holds_for_all_workers_that_have_it(task, folder):
    """Help shows it once."""
    shown = task("launch", "-w", "exec:cat", "-w", "exec:tac", "--help").out
    assert shown.count("--worker-once") == 1
