"""Rules of `task_core.cli.leaving`."""

import signal
import subprocess
import sys

import pytest

from task_core.cli.leaving import exit_code

STUCK = """
import logging, threading
from task_core.cli.leaving import leave
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
        [sys.executable, "-c", STUCK], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 7
    assert b"last words" in done.stderr
