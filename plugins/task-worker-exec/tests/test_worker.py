"""Rules of `task_worker_exec.worker`, with real programs."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from exec_context import Ctx
from task_worker_exec.child import GRACE
from task_worker_exec.options import ExecOptions, missing_script, split_command
from task_worker_exec.output import Output
from task_worker_exec.plugin import exec_
from task_worker_exec.worker import make_exec

from task_core.api import Outcome, WorkerError, interrupted

POLITE = """#!{python}
import json, os, signal, sys, time
class Stop(Exception): pass
def stop(number, frame): raise Stop
signal.signal(signal.SIGTERM, stop)
for line in sys.stdin:
    try:
        if json.loads(line)["info"] == "long":
            print("begun", file=sys.stderr, flush=True)
            time.sleep(60)
        print(json.dumps(str(os.getpid())), flush=True)
    except Stop:
        print('{{"result":"interrupted"}}', flush=True)
        {then}
"""
SERVE = """#!{python}
import json, os, signal, sys, time
for line in sys.stdin:
    task = json.loads(line)
    info = task["info"]
    if info.startswith("die "):
        os.kill(os.getpid(), int(info[4:])) if int(info[4:]) else sys.exit(3)
    if info == "sleep":
        time.sleep(60)
    if info == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    if info == "long":
        info = "x" * 10_000_000
    msg = f"{{os.getpid()}} {{len(info)}}" if info == "pid" or len(info) > 99 else info
    print(json.dumps({{"result": "complete", "msg": msg}}), flush=True)
    if info == "twice":
        print('"again"', flush=True)
    if info == "bye":
        break
"""


@pytest.fixture
def server(program, make):
    return make(program(SERVE.format(python=sys.executable)))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_of(worker):
    return int(worker.do_task(Ctx("pid")).msg.split()[0])


def test_one_child_does_all_tasks_of_a_slot(server):
    """It is not started anew for each."""
    assert server.do_task(Ctx("hello")) == Outcome("complete", "hello")
    assert pid_of(server) == pid_of(server)


def test_each_slot_has_a_child_of_its_own(server):
    """So slots work at the same time."""
    pids = []
    slots = [threading.Thread(target=lambda: pids.append(pid_of(server))) for _ in "ab"]
    for slot in slots:
        slot.start()
    for slot in slots:
        slot.join()
    assert pids[0] != pids[1]


def test_a_task_longer_than_a_pipe_passes(server):
    """Neither side waits for the other."""
    assert server.do_task(Ctx("y" * 10_000_000)).msg.endswith(" 10000000")


@pytest.mark.parametrize(
    ("info", "msg"),
    [
        ("die 0", "the program exited with status 3 before it answered"),
        ("die 9", "the program was killed by SIGKILL before it answered"),
    ],
)
def test_a_child_that_dies_fails_its_task_and_is_replaced(server, info, msg):
    """The next task finds a new one."""
    server.do_task(Ctx("hello"))
    assert server.do_task(Ctx(info)) == Outcome("error", msg)
    assert server.do_task(Ctx("hello")).msg == "hello"


def test_a_child_that_ended_well_between_tasks_costs_nothing(server):
    """A program may do a few tasks and make room for a fresh one."""
    for _ in range(10):
        assert server.do_task(Ctx("bye")).msg == "bye"


def test_a_child_that_says_too_much_is_replaced(server):
    """Or each task would get the outcome of the one before."""
    assert server.do_task(Ctx("twice")).msg == "twice"
    for info in ("a", "b"):
        time.sleep(0.05)
        assert server.do_task(Ctx(info)).msg == info


def test_cancel_terminates_the_child(server):
    """Promptly; the task is unfinished, not failed."""
    pid = pid_of(server)
    begin = time.monotonic()
    assert server.do_task(Ctx("sleep", cancel_after=0.05)).kind == "interrupted"
    assert time.monotonic() - begin < GRACE
    assert not alive(pid)


def test_a_child_that_ignores_the_first_signal_is_killed(server, monkeypatch):
    """After its grace."""
    monkeypatch.setattr("task_worker_exec.child.GRACE", 0.2)
    pid = pid_of(server)
    assert server.do_task(Ctx("stubborn", cancel_after=0.3)).kind == "interrupted"
    assert not alive(pid)


def test_a_stubborn_child_is_killed_before_the_launchers_grace_is_over(server):
    """So that it is told, and nobody outlives the launcher; its own grace is longer."""
    pid = pid_of(server)
    ctx = Ctx("stubborn", cancel_after=0.3, grace_left=0.4)
    begin = time.monotonic()
    assert server.do_task(ctx).kind == "interrupted"
    assert time.monotonic() - begin < GRACE
    assert not alive(pid)


def test_a_stubborn_child_is_killed_at_once_when_nobody_wants_to_wait(server):
    """A second signal takes away what was left of the grace."""
    pid = pid_of(server)
    ctx = Ctx("stubborn", cancel_after=0.3, grace_left=3600.0)
    threading.Timer(0.6, lambda: setattr(ctx, "grace_left", 0.0)).start()
    begin = time.monotonic()
    assert server.do_task(ctx).kind == "interrupted"
    assert time.monotonic() - begin < GRACE
    assert not alive(pid)


def test_close_kills_stubborn_children_within_the_grace(program, make):
    """As much of it as is left; the signals are ignored by an idle child too."""
    script = "#!/bin/sh\ntrap '' TERM\nread task\necho '\"'$$'\"'\nsleep 60 & wait\n"
    worker = make(program(script + "while :; do sleep 60; done\n"))
    pid = int(worker.do_task(Ctx(grace_left=0.4)).msg)
    begin = time.monotonic()
    worker.close()
    assert time.monotonic() - begin < GRACE
    assert not alive(pid)


def test_a_cancelled_task_starts_no_child(server):
    """There is no time left for it."""
    ctx = Ctx("hello")
    ctx.cancel.set()
    assert server.do_task(ctx).kind == "interrupted"


def test_close_ends_the_children(server):
    """Closing their input is enough for those that read it."""
    pid = pid_of(server)
    begin = time.monotonic()
    server.close()
    server.close()
    assert not alive(pid)
    assert time.monotonic() - begin < GRACE


def test_grandchildren_are_ended_too(program, make):
    """A shell script leaves none of its commands behind."""
    script = "#!/bin/sh\nread task\nsleep 61 & echo $! >&2\nwait\n"
    worker = make(program(script))
    ctx = Ctx(cancel_after=0.1)
    begin = time.monotonic()
    assert worker.do_task(ctx).kind == "interrupted"
    assert time.monotonic() - begin < GRACE


def test_a_shell_script_is_a_worker(program, make):
    """Nothing but read and echo is needed."""
    script = '#!/bin/sh\nwhile read -r task; do echo "\\"done\\""; done\n'
    assert make(program(script)).do_task(Ctx()) == Outcome("complete", "done")


def test_arguments_are_split_as_a_shell_does(make):
    """But nothing is expanded."""
    worker = make("sh -c 'read task; echo \\\"$0\\\"' '$HOME x'")
    assert worker.do_task(Ctx()).msg == "$HOME x"


def test_a_program_whose_name_has_a_space_is_found(program, make):
    """The name of an existing file is not split."""
    path = program("#!/bin/sh\nread task\necho null\n", name="my program")
    assert make(path).do_task(Ctx()) == Outcome("complete")


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("./gone", "there is no program './gone'"),
        ("gone-from-path -x", "there is no program 'gone-from-path'"),
        ("/", "'/' is a directory"),
        ("", "no program given: use exec:./program"),
        ("sh 'x", "cannot split"),
        ("python3 -u gone.py", "there is no file 'gone.py' for python3"),
    ],
)
def test_a_command_that_cannot_run_is_refused_at_the_start(command, text):
    """In one line that says why."""
    with pytest.raises(WorkerError, match=f"^worker 'exec': {text}"):
        make_exec(command, once=False)


@pytest.mark.parametrize(
    "command",
    [
        "bash -c 'cd sub && ./run.sh'",
        "bash -lc 'exec ./run.sh'",
        "python3 -u -m serve x.py",
        "node -e 'require(\"./serve.js\")' y.js",
    ],
)
def test_what_an_interpreter_is_given_in_place_of_a_script_is_none(command):
    """It is a program, or the name of a module; what comes after are its arguments."""
    assert missing_script(split_command(command)) == ""


@pytest.mark.parametrize("then", ["sys.exit(143)", "pass"])
def test_a_program_that_was_told_to_end_gets_no_other_task(program, make, then):
    """Whether it heeds that or not: the next task is not its to lose."""
    worker = make(program(POLITE.format(python=sys.executable, then=then)))
    before = worker.do_task(Ctx("short")).msg
    assert worker.do_task(Ctx("long", cancel_after=0.5)) == interrupted()
    after = worker.do_task(Ctx("short"))
    assert after.result == "complete"
    assert after.msg != before


def test_a_file_that_may_not_be_executed_is_refused(tmp_path):
    """With what to do."""
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\n")
    with pytest.raises(WorkerError, match="may not be executed: chmod"):
        make_exec(str(path), once=False)


def test_a_file_without_an_interpreter_fails_its_task(program, make):
    """The system only knows when it starts."""
    outcome = make(program("echo hello\n")).do_task(Ctx())
    assert outcome.result == "error"
    assert outcome.msg.endswith("program: Exec format error")


def ended(pid, seconds=5):
    """Whether a process has ended, or does so soon; a zombie has not."""
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_an_idle_child_that_ends_is_no_zombie(server):
    """Nobody may come with a task for hours."""
    pid = pid_of(server)
    os.kill(pid, signal.SIGTERM)
    assert ended(pid)
    assert server.do_task(Ctx("hello")).msg == "hello"


def test_a_last_answer_without_its_newline_counts(program, make):
    """`printf` and many a JSON library write none."""
    script = "#!/bin/sh\nread -r task\nprintf '\"done\"'\n"
    assert make(program(script)).do_task(Ctx()) == Outcome("complete", "done")


@pytest.mark.parametrize("once", [False, True])
def test_a_line_without_end_fails_its_task_and_fills_no_memory(
    program, make, once, monkeypatch
):
    """Such a program is ended."""
    monkeypatch.setattr("task_worker_exec.output.LONGEST", 100_000)
    worker = make(program("#!/bin/sh\nread -r task\nexec cat /dev/zero\n"), once)
    outcome = worker.do_task(Ctx())
    assert outcome.result == "error"
    assert "wrote a line of more than" in outcome.msg


LONG = """#!{python}
import sys
first = {first!r}
for line in sys.stdin:
    sys.stdout.write((first or '"fine"') + "\\n")
    sys.stdout.flush()
    first = ""
"""


def test_a_line_that_is_a_little_too_long_fails_its_own_task(
    program, make, monkeypatch
):
    """Its end comes with the chunk that is too much; the next task is another's."""
    monkeypatch.setattr("task_worker_exec.output.LONGEST", 100_000)
    first = '"' + "y" * 100_000 + '"'
    worker = make(program(LONG.format(python=sys.executable, first=first)))
    assert "wrote a line of more than" in worker.do_task(Ctx()).msg
    monkeypatch.setattr("task_worker_exec.output.LONGEST", 1_000_000)
    assert worker.do_task(Ctx()).result == "complete"


def test_a_line_that_is_too_long_takes_no_other_along(monkeypatch):
    """What came before it counts, and nothing that came after it."""
    monkeypatch.setattr("task_worker_exec.output.LONGEST", 10)
    for last in (b"x" * 11 + b"\nafter\n", b"x" * 11):
        output = Output()
        for data in (b"before\n" + last[:8], last[8:], b"after\n"):
            output.feed(data)
        output.finish()
        assert output.too_long
        assert output.take() == b"before"
        assert output.take() is None
        assert not output.empty


SPAWNER = """#!/bin/sh
read -r task
sleep 1000 &
echo "\\"$!\\""
"""


@pytest.mark.parametrize("once", [False, True])
def test_what_a_program_left_behind_ends_with_it(program, make, once):
    """Also when the program itself came to a good end."""
    worker = make(program(SPAWNER), once)
    pid = int(worker.do_task(Ctx()).msg.strip('"'))
    worker.close()
    assert ended(pid)


ORPHANER = """
import sys, exec_context
from task_worker_exec.child import GRACE
from task_worker_exec.options import ExecOptions
from task_worker_exec.plugin import exec_
from task_worker_exec.worker import make_exec
worker = make_exec(sys.argv[1], once=sys.argv[2] == "True")
worker.do_task(exec_context.Ctx())
"""


@pytest.mark.parametrize("once", [False, True])
def test_a_launcher_that_is_killed_takes_its_programs_along(program, tmp_path, once):
    """Its task is another worker's soon: it must not be done beside that."""
    path = program(  # it has begun with its task
        f"#!/bin/sh\nsleep 1000 &\nread -r task\necho $$ $! > {tmp_path}/new\n"
        f"mv {tmp_path}/new {tmp_path}/pids\nwait\n"
    )
    command = [sys.executable, "-c", ORPHANER, path, str(once)]
    with subprocess.Popen(command, cwd=Path(__file__).parent) as launcher:
        pids = tmp_path / "pids"
        deadline = time.monotonic() + 20
        while not pids.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        child, grandchild = map(int, pids.read_text().split())
        assert alive(child)
        assert alive(grandchild)
        launcher.kill()
    assert ended(child, 10)
    assert ended(grandchild, 10)


IGNORER = """
import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
import exec_context
from task_worker_exec.child import GRACE
from task_worker_exec.options import ExecOptions
from task_worker_exec.plugin import exec_
from task_worker_exec.worker import make_exec
outcomes = []
for once in (False, True):
    worker = make_exec("sh -c 'read task; exit 7'", once=once)
    outcomes.append(worker.do_task(exec_context.Ctx()).result)
    worker.close()
print(*outcomes)
"""


def test_a_bad_ending_is_an_error_also_where_nobody_hears_of_children():
    """Some supervisors start their programs with SIGCHLD ignored."""
    command = [sys.executable, "-c", IGNORER]
    folder = Path(__file__).parent
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    assert done.stdout.split() == [b"error", b"error"]


@pytest.mark.parametrize(
    ("script", "once"),
    [
        ("#!/bin/sh\nexit 3\n", False),
        ("#!/no/such/interpreter\n", False),
        ("#!/no/such/interpreter\n", True),
        ("#!/bin/sh\nno-such-program\n", True),
    ],
)
def test_a_broken_program_does_not_turn_a_backlog_into_errors(
    program, make, script, once, monkeypatch
):
    """Each failure in a row waits longer; one that works ends that."""
    monkeypatch.setattr("task_worker_exec.backoff.FIRST_PAUSE", 0.05)
    path = program(script)
    worker = make(path, once)
    begin = time.monotonic()
    for _ in range(4):
        assert worker.do_task(Ctx()).result == "error"
    assert time.monotonic() - begin >= 0.05 + 0.1 + 0.2
    assert worker.do_task(Ctx(cancel_after=0.1)).kind == "interrupted"
    program("#!/bin/sh\nread -r task\necho null\n")
    worker.do_task(Ctx())
    for name in ("FIRST_PAUSE", "LAST_PAUSE"):
        monkeypatch.setattr(f"task_worker_exec.backoff.{name}", 3600.0)
    assert worker.do_task(Ctx()).result == "complete"


def test_a_task_that_kills_a_program_that_works_costs_no_pause(server, monkeypatch):
    """It is the task that is broken, not the program."""
    monkeypatch.setattr("task_worker_exec.backoff.FIRST_PAUSE", 60)
    for _ in range(3):
        assert server.do_task(Ctx("hello")).msg == "hello"
        assert server.do_task(Ctx("die 9")).result == "error"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("./load.sh", "load"),
        ("./load.sh --fast x", "load"),
        ("python3 load.py -v", "load"),
        ("cat", "cat"),
        ("gone/thing.exe -x", "thing"),
        ("my load.rb", "my load"),
        ("sh 'x", "exec"),
        ("", "exec"),
    ],
)
def test_a_program_names_the_tasks_that_it_does(tmp_path, monkeypatch, command, name):
    """So two programs do not wait for each other's tasks."""
    monkeypatch.chdir(tmp_path)
    for file in ("load.sh", "load.py", "my load.rb"):
        (tmp_path / file).touch()
    options = ExecOptions(command=command)
    assert (exec_.type_of(options) or exec_.type) == name
