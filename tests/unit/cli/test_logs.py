"""Rules of `task_core.cli.logs`."""

import json
import logging
import os
import pty
import re
import subprocess
import sys

import pytest

from task_core.api.message import Delivery
from task_core.cli.launch_options import LaunchOptions
from task_core.cli.logs import Lines, LogFormat, LogLevel, Objects, set_up_logging
from task_core.launcher.at_work import AT_WORK, AtWork, Record
from task_core.launcher.context import Job
from task_core.shown import HIDDEN
from task_core.task import Task

SCRIPT = """
import logging, sys
from task_core.cli.logs import set_up_logging
set_up_logging(sys.argv[1], times=False)
for level in ("debug", "info", "warning", "error"):
    getattr(logging.getLogger("task.x"), level)("a line")
"""
LEVELS = [level.value for level in LogLevel]
LINES = {
    "debug": "task: debug: a line",
    "info": "task: a line",
    "warning": "task: warning: a line",
    "error": "task: error: a line",
}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
JOB = Job(Delivery(b"", None, 2), Task(type="load", id="7", info="a.csv"))


def record(text, level=logging.INFO, error=None, **extra):
    """Return a record that a slot has made which is at a job."""
    trace = (type(error), error, None) if error else None
    token = AT_WORK.set(AtWork("loader", JOB))
    try:
        made = Record("task.x", level, "x.py", 1, text, (), trace)
    finally:
        AT_WORK.reset(token)
    vars(made).update(extra)
    return made


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_reported_with_those_above(level):
    """On stderr, in short lines that tell their level."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, level],
        capture_output=True,
        text=True,
        check=True,
    )
    above = LEVELS[LEVELS.index(level) :]
    assert done.stdout == ""
    assert done.stderr.splitlines() == [LINES[name] for name in above]


def test_a_line_is_shown_without_secrets_and_without_what_steers_a_terminal():
    """Also its traceback; the lines of that stay lines."""
    error = ValueError("\x1b[2J amqp://u:s3cret@h")
    trace = (ValueError, error, None)
    made = logging.makeLogRecord({"msg": "a\rb", "exc_info": trace, "levelno": 20})
    first, *rest = Lines().format(made).splitlines()
    assert first == "task: a\\rb"
    assert rest[-1] == f"ValueError: \\x1b[2J amqp://u:{HIDDEN}@h"


def test_every_level_is_one_of_the_library():
    """And `info` is what one gets."""
    assert {name.upper() for name in LEVELS} <= {*logging.getLevelNamesMapping()}
    assert LaunchOptions().log_level is LogLevel.INFO


def test_a_line_within_a_task_names_it_once():
    """Whoever logs need not know which it is."""
    assert Lines().format(record("half")) == "task: load 7, attempt 2: half"
    named = record("the worker raised: task load 7, attempt 2")
    assert Lines().format(named) == "task: the worker raised: task load 7, attempt 2"


def test_a_line_may_begin_with_its_time():
    """In UTC, to the millisecond."""
    made = record("x", created=0.25)
    line = Lines(times=True).format(made)
    assert line == "1970-01-01T00:00:00.250Z task: load 7, attempt 2: x"


def test_colours_end_with_the_level():
    """They mark the level alone."""
    line = Lines(colours=True).format(record("x", logging.ERROR))
    assert line == "task: \x1b[31merror:\x1b[0m load 7, attempt 2: x"


def test_an_object_tells_everything_in_one_line():
    """With the task, and the traceback as text."""
    error, stack = ValueError("no"), "Stack:\n  nsq://u:s3cret@h"
    made = record("half\nway", logging.ERROR, error, created=0, stack_info=stack)
    line = Objects().format(made)
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.000Z",
        "level": "error",
        "logger": "task.x",
        "worker": "loader",
        "type": "load",
        "id": "7",
        "attempt": 2,
        "message": "half\nway",
        "exception": "ValueError: no",
        "stack": f"Stack:\n  nsq://u:{HIDDEN}@h",
    }


def test_an_object_hides_secrets_and_takes_any_arguments():
    """Broken format arguments harm the line alone, secrets nobody."""
    made = logging.makeLogRecord({"msg": "nsq://u:s3cret@h", "levelname": "INFO"})
    assert json.loads(Objects().format(made))["message"] == f"nsq://u:{HIDDEN}@h"


def test_what_the_user_set_up_for_the_terminal_gives_way_and_the_rest_stays(capsys):
    """A line must not come twice, and a file or a Sentry gets all of them."""
    root, kept = logging.getLogger(), []

    class Keeper(logging.Handler):
        def emit(self, record):
            kept.append((record.getMessage(), record.at_work))

    ours = logging.StreamHandler(sys.stderr)
    root.addHandler(ours)
    root.addHandler(Keeper())
    set_up_logging("info", times=False)
    set_up_logging("info", times=False)
    AT_WORK.set(AtWork("loader", JOB))
    try:
        logging.getLogger("mine").info("half")
    finally:
        AT_WORK.set(None)
    assert capsys.readouterr().err == "task: load 7, attempt 2: half\n"
    ((text, about),) = kept
    assert (text, str(about), about.worker) == ("half", "load 7, attempt 2", "loader")


WARNS = """
import warnings
from task_core.cli.logs import LogFormat, set_up_logging
set_up_logging("info", LogFormat.JSON)
warnings.warn("old", DeprecationWarning, stacklevel=1)
"""


def test_warnings_of_python_are_lines_as_others():
    """Also as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", WARNS],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stderr)
    assert (told["level"], told["logger"]) == ("warning", "py.warnings")
    assert "DeprecationWarning: old" in told["message"]


@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_gets_colours_and_no_time(plain):
    """Unless NO_COLOR says otherwise."""
    script = SCRIPT.replace(", times=False", "")
    ours, theirs = pty.openpty()
    env = {**os.environ, "NO_COLOR": "1" if plain else ""}
    done = subprocess.run(
        [sys.executable, "-c", script, "error"], stderr=theirs, check=True, env=env
    )
    os.close(theirs)
    line = os.read(ours, 4096).decode()
    os.close(ours)
    assert done.returncode == 0
    assert ("\x1b[31merror:\x1b[0m" in line) is not plain
    assert line.startswith("task: ")


def test_a_pipe_gets_the_time_and_no_colours():
    """Files of logs are read later."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace(", times=False", ""), "error"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(f"{TIME} task: error: a line\n", done.stderr)


def test_every_format_is_known():
    """And text is what one gets."""
    assert LaunchOptions().log_format is LogFormat.TEXT


def launch(*words, input="", **more):
    """Run a launcher in a process of its own, and return how it went."""
    return subprocess.run(
        [sys.executable, "-m", "task_core", "launch", *words],
        input=input,
        capture_output=True,
        text=True,
        check=False,
        **more,
    )


SETS_UP = """
import logging, logging.config
from task_core.api import WorkerPlugin

SETUP = {
    "version": 1,
    "disable_existing_loggers": True,
    "handlers": {"own": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["own"], "level": "WARNING"},
}
"""
AT_IMPORT = """
logging.config.dictConfig(SETUP)
def work(info, ctx):
    ctx.log.info("at work")
    logging.getLogger("mine").info("mine")
"""
WHEN_MADE = """
from task_core.api import Worker

class Work(Worker):
    def do_task(self, ctx):
        ctx.log.info("at work")
        logging.getLogger("mine").info("mine")

def make(options):
    logging.config.dictConfig(SETUP)
    return Work()

work = WorkerPlugin(name="work", summary="", make=make)
"""


@pytest.mark.parametrize("pool", ["thread", "process"])
@pytest.mark.parametrize("code", [AT_IMPORT, WHEN_MADE])
def test_a_worker_that_sets_up_logging_silences_and_changes_nothing(
    tmp_path, code, pool
):
    """In its way, or in that of the library: with all loggers that are there off."""
    path = tmp_path / "work.py"
    path.write_text(SETS_UP + code)
    words = ["-w", f"{path}:work", "--pool", pool, "--log-format", "json"]
    done = launch(*words, cwd=tmp_path, input='{"type":"work","info":"a"}\n')
    told = [json.loads(line) for line in done.stderr.splitlines()]
    names = ["task", "task.worker.work", "mine", "task"]
    assert [one["logger"] for one in told] == names
    assert told[0]["message"].startswith("worker work on bus stdio")
    assert [one.get("info") for one in told] == [None, "a", "a", None]


WRONG = [
    ["-w", "nobody", "--log-format", "json"],
    ["-w", "echo", "--log-format=json", "--nope"],
    ["-w", "echo", "--rate", "x", "--log-format", "json"],
    ["echo", "--log-format", "json"],
    ["-w", "echo", "--log-format", "json", "--bus", "file:///no/such/file"],
]


@pytest.mark.parametrize("words", WRONG)
def test_an_error_is_an_object_too_where_objects_are_asked_for(words, tmp_path):
    """Whenever it is found: who reads a log reads no other kind of line."""
    done = launch(*words, cwd=tmp_path)
    assert done.returncode in {2, 3, 4}
    assert json.loads(done.stderr)["level"] == "critical"


def test_an_error_is_an_object_also_when_the_environment_asks_for_them(tmp_path):
    """A flag says otherwise."""
    words, env = ["-w", "nobody"], {**os.environ, "TASK_LOG_FORMAT": "json"}
    done = launch(*words, cwd=tmp_path, env=env)
    assert json.loads(done.stderr)["level"] == "critical"
    done = launch(*words, "--log-format", "text", cwd=tmp_path, env=env)
    assert done.stderr.startswith("task: there is no worker 'nobody'")


THREADS = """
import threading
def work(info, ctx):
    thread = threading.Thread(target=lambda: 1 / 0, name="helper")
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_what_ends_a_thread_of_the_worker_is_a_line_as_others(pool, tmp_path):
    """Python itself writes pieces of text."""
    (tmp_path / "work.py").write_text(THREADS)
    words = ["-w", "work.py:work", "--pool", pool, "--log-format", "json"]
    done = launch(*words, cwd=tmp_path, input='{"type":"work","info":""}\n')
    told = [json.loads(line) for line in done.stderr.splitlines()]
    (raised,) = (one for one in told if one["level"] == "error")
    assert raised["message"] == "thread helper raised"
    assert "ZeroDivisionError" in raised["exception"]


SWAPS = """
import contextlib, io, sys

def swap(buffer):
    HOW
    buffer.close()

def work(info, ctx):
    buffer = io.StringIO()
    with contextlib.redirect_stderr(buffer):
        ctx.log.info("within %s", info)
        print("printed", file=sys.stderr)
    assert buffer.getvalue() == "printed\\n"
    swap(buffer)
    ctx.log.info("after %s", info)
    ctx.log.info("%d", "a line that cannot be made")
    return info
"""


@pytest.mark.parametrize("pool", ["thread", "process"])
@pytest.mark.parametrize("how", ["sys.stderr.close()", "sys.stderr = buffer", "pass"])
def test_a_worker_that_closes_or_replaces_stderr_harms_no_line(tmp_path, how, pool):
    """Log lines are no output of the worker's, and no slot needs that stream."""
    (tmp_path / "work.py").write_text(SWAPS.replace("HOW", how))
    tasks = "".join(f'{{"type":"work","info":"{n}"}}\n' for n in "12")
    done = launch("-w", "work.py:work", "--pool", pool, cwd=tmp_path, input=tasks)
    results = [json.loads(line)["result"] for line in done.stdout.splitlines()]
    assert results == ["complete", "complete"], done.stderr
    for text in ("within 1", "after 1", "within 2", "after 2", "2 complete in"):
        assert text in done.stderr


UNREADABLE = r"""
def work(info, ctx):
    ctx.log.info("log %s", "caf\udce9", stack_info=True)
    raise ValueError("no file 'caf\udce9'")
"""


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("pool", ["thread", "process"])
def test_what_is_no_text_is_escaped_in_each_line(tmp_path, form, pool):
    """A name of a file may hold any bytes."""
    (tmp_path / "work.py").write_text(UNREADABLE)
    words = ["-w", "work.py:work", "--pool", pool, "--log-format", form]
    done = launch(*words, cwd=tmp_path, input='{"type":"work","info":""}\n')
    assert "Logging error" not in done.stderr
    shown = done.stderr
    if form == "json":
        told = [json.loads(line) for line in done.stderr.splitlines()]
        shown = "\n".join(str(one[k]) for one in told for k in one)
    assert "log caf\\udce9" in shown
    assert "ValueError: no file 'caf\\udce9'" in shown


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_what_an_import_warns_of_is_an_object_too(tmp_path, pool):
    """Before options are read, in the words that say so."""
    code = "import warnings\nwarnings.warn('old thing')\ndef work(info): pass\n"
    (tmp_path / "work.py").write_text(code)
    words = ["-w", "work.py:work", "--pool", pool, "--log-format", "json"]
    done = launch(*words, cwd=tmp_path)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert "UserWarning: old thing" in told[0]["message"]
