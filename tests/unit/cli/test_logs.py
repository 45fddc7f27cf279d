"""Rules of `task_core.cli.logs`."""

import logging
import subprocess
import sys

import pytest

from task_core.cli.launch_options import LaunchOptions
from task_core.cli.logs import LogLevel, Shown
from task_core.shown import HIDDEN

SCRIPT = """
import logging, sys
from task_core.cli.logs import set_up_logging
set_up_logging(sys.argv[1])
for level in ("debug", "info", "warning", "error"):
    getattr(logging.getLogger("task.x"), level)("a %s", level)
"""


LEVELS = [level.value for level in LogLevel]


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_reported_with_those_above(level):
    """On stderr, in short lines."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, level],
        capture_output=True,
        text=True,
        check=True,
    )
    above = LEVELS[LEVELS.index(level) :]
    assert done.stdout == ""
    assert done.stderr.splitlines() == [f"task: a {name}" for name in above]


def test_a_line_is_shown_without_secrets_and_without_what_steers_a_terminal():
    """Also its traceback; the lines of that stay lines."""
    error = ValueError("\x1b[2J amqp://u:s3cret@h")
    trace = (ValueError, error, None)
    record = logging.makeLogRecord({"msg": "a\rb", "exc_info": trace})
    first, *rest = Shown("%(message)s").format(record).splitlines()
    assert first == "a\\rb"
    assert rest[-1] == f"ValueError: \\x1b[2J amqp://u:{HIDDEN}@h"


def test_every_level_is_one_of_the_library():
    """And `info` is what one gets."""
    assert {name.upper() for name in LEVELS} <= {*logging.getLevelNamesMapping()}
    assert LaunchOptions().log_level is LogLevel.INFO
