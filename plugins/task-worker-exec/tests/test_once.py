"""Rules of `--worker-once`: a process for each task."""

import sys
import time

import pytest
from exec_context import Ctx
from task_worker_exec.child import GRACE

from task_core.api import Outcome


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("read task; echo one; echo '3 rows'", Outcome("complete", "3 rows")),
        ("true", Outcome("complete")),
        ("echo bad; exit 4", Outcome("error", "exited with status 4: bad")),
        ("kill -9 $$", Outcome("error", "was killed by SIGKILL")),
        ('echo \'{"result":"warn","msg":"x"}\'', Outcome("warn", "x")),
    ],
)
def test_once_starts_a_process_for_each_task(program, make, script, outcome):
    """Its status and its last line are the outcome; it need not read its input."""
    worker = make(program(f"#!/bin/sh\n{script}\n"), once=True)
    for _ in range(2):
        assert worker.do_task(Ctx()) == outcome


def test_once_gets_the_task_and_then_the_end_of_input(program, make):
    """`cat` echoes the task, which is an object without a result."""
    worker = make("cat", once=True)
    assert worker.do_task(Ctx("x")).msg == '{"type":"exec","info":"x"}'


def test_once_keeps_only_the_last_line_of_much_output(make):
    """And neither side waits for the other."""
    code = "import sys; sys.stdin.read(); [print('x' * 99) for _ in range(99999)]"
    worker = make(f'{sys.executable} -c "{code}; print(7)"', once=True)
    assert worker.do_task(Ctx("y" * 1_000_000)).msg == "7"


def test_once_is_terminated_when_cancelled(make):
    """Also when it has closed its output already."""
    for script in ("sleep 60", "exec >&-; sleep 60"):
        worker = make(f"sh -c '{script}'", once=True)
        begin = time.monotonic()
        assert worker.do_task(Ctx(cancel_after=0.05)).kind == "interrupted"
        assert time.monotonic() - begin < GRACE


@pytest.mark.parametrize("pause", ["", "sleep 0.01"])
def test_once_is_over_with_its_program_whatever_that_left_behind(program, make, pause):
    """What goes on printing holds the pipe open, and is never idle."""
    left = f"while :; do echo x; {pause or ':'}; done & yes & echo $$"
    worker = make(program(f"#!/bin/sh\n{left}\nexit 3\n"), once=True)
    ctx = Ctx(cancel_after=60)
    assert worker.do_task(ctx).msg.startswith("exited with status 3")
    assert not ctx.cancelled


def test_once_says_the_last_line_of_a_program_whose_child_is_silent(program, make):
    """All that it wrote is read, also when its pipe never ends."""
    code = "print('x' * 99_999); print('y' * 200_000, end='')"
    script = f'#!/bin/sh\nsleep 1000 &\nexec {sys.executable} -c "{code}"\n'
    outcome = make(program(script), once=True).do_task(Ctx())
    assert outcome == Outcome("complete", "y" * 200_000)


def test_once_gets_all_of_a_long_task_when_it_has_closed_its_output(
    program, make, tmp_path
):
    """`cat > file` reads on when nothing more can come from it."""
    got = tmp_path / "got"
    worker = make(program(f"#!/bin/sh\nexec cat > {got}\n"), once=True)
    ctx = Ctx("y" * 10_000_000, cancel_after=60)
    assert worker.do_task(ctx) == Outcome("complete")
    assert got.stat().st_size == len('{"type":"exec","info":""}\n') + 10_000_000
