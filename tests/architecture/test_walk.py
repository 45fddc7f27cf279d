"""How far one task has to walk through the house, on the pipe."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .walk import MARK

WORKER = """
from task_core.api import worker

@worker
def work(info: str):
    pass
"""
PROGRAM = Path(__file__).with_name("walk.py")


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """What the program in `walk.py` tells of one task."""
    worker = tmp_path_factory.mktemp("walk") / "worker.py"
    worker.write_text(WORKER)
    task = json.dumps({"type": "echo", "info": MARK}).encode() + b"\n"
    done = subprocess.run(
        [sys.executable, str(PROGRAM), f"{worker}:work"],
        input=task,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["info"] == MARK
    return json.loads(done.stderr.splitlines()[-1])


def test_one_task_passes_at_most_twelve_files(walk):
    """A reader who follows it opens no more."""
    assert len(walk["files"]) <= 12, walk["files"]


def test_one_task_is_kept_in_at_most_five_containers(walk):
    """From hand to hand, each for a reason."""
    assert len(walk["containers"]) <= 5, walk["containers"]


def test_a_launch_over_the_pipe_imports_little(walk):
    """Each module costs every start about a fifth of a millisecond."""
    assert len(walk["modules"]) <= 74, walk["modules"]
