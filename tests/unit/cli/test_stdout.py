"""Rules of `task_core.cli.stdout`."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from task_core.cli.stdout import diverted_stdout

CLAIM = """
import os, sys
from task_core.cli.stdout import claim_stdout
print("before")
own = claim_stdout()
print("printed", flush=True)
os.write(1, b"written\\n")
os.system("echo from a child")
os.write(own, b"data\\n")
"""


def test_claimed_stdout_is_for_data_only():
    """What is printed afterwards goes to stderr, from wherever it comes."""
    done = subprocess.run(
        [sys.executable, "-c", CLAIM], capture_output=True, text=True, check=True
    )
    assert done.stdout == "before\ndata\n"
    assert done.stderr == "printed\nwritten\nfrom a child\n"


def test_stdout_that_is_a_file_can_be_claimed_twice(tmp_path):
    """A launch claims it, and loads hooks then; stderr may be a pipe."""
    code = "from task_core.cli.stdout import claim_stdout as claim\n"
    code += "print(1)\nclaim()\nprint(2)\nclaim()\nprint(3)"
    with (tmp_path / "out").open("w") as out:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
    assert done.stderr == "2\n3\n"
    assert (tmp_path / "out").read_text() == "1\n"


def test_diverted_stdout_comes_back(capfd):
    """Even after an error."""
    with suppress(KeyError), diverted_stdout():
        os.write(1, b"noise\n")
        {}["no such key"]
    os.write(1, b"data\n")
    assert capfd.readouterr() == ("data\n", "noise\n")


def test_stdout_may_be_a_file(tmp_path):
    """Whose place in it is not asked for when another file has its number."""
    program = CLAIM.replace(
        "own = claim_stdout()",
        "with diverted_stdout():\n    print('diverted')\nown = claim_stdout()",
    ).replace("import claim_stdout", "import claim_stdout, diverted_stdout")
    with (tmp_path / "out").open("w") as out:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
    assert (tmp_path / "out").read_text() == "before\ndata\n"
    assert "diverted" in done.stderr


PRINTS = """
import sys
def work(info):
    print(info, "p" * 9999)
    print(info, file=sys.stderr, flush=True)
"""


@pytest.mark.parametrize("pool", ["thread", "process"])
@pytest.mark.parametrize("place", ["a full disk", "a reader that is gone"])
def test_what_a_worker_prints_is_dropped_where_nothing_can_be_written(
    tmp_path, place, pool
):
    """It may print what it likes: its tasks are complete."""
    (tmp_path / "work.py").write_text(PRINTS)
    ear, full = os.pipe()
    os.close(ear)
    if place == "a full disk":
        full = os.open("/dev/full", os.O_WRONLY)
    words = ["launch", "-w", "work.py:work", "--pool", pool, "--stats"]
    done = subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        cwd=tmp_path,
        input=b'{"type":"work","info":"1"}\n' * 2,
        stdout=subprocess.PIPE,
        stderr=full,
        check=False,
    )
    os.close(full)
    assert done.returncode == 0
    assert done.stdout.count(b'"result":"complete"') == 2
