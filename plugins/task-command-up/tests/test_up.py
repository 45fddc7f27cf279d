"""The command runs as people run it: real processes, signals, one SQLite file."""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

PATIENCE = 60.0
WORKERS = '''
import os
import sys
import time

from task_core.api import Task, WorkerContext, taskmaster, worker


def say(name):
    """Tell who we are when we are at work."""
    print(f"{name} is {os.getpid()}", flush=True)


@worker
def fetch(info: str, ctx: WorkerContext) -> str:
    say("fetch")
    ctx.send(Task.new("load", info))
    return f"fetched {info}"


@worker
def load(info: str) -> str:
    say("load")
    return f"loaded {info}"


@worker
def report(task: Task) -> None:
    say(f"report of {task.msg}")


@worker
def sleep(info: str) -> None:
    say("sleep")
    time.sleep(float(info))


@worker
def fail(info: str) -> None:
    raise ValueError(info)


@taskmaster
def clock(ctx):
    say("clock")
    number = 0
    while not ctx.stopping:
        ctx.send(Task.new("fetch", str(number)))
        number += 1
        ctx.wait(0.2)
'''
PIPELINE = """
[task]
bus = "sqlite://task.db"

[up.clock]
taskmaster = "./workers.py:clock"

[up.fetch]
worker = "./workers.py:fetch"
concurrency = 2

[up.load]
worker = "./workers.py:load"
instances = 2

[up.report]
worker = "./workers.py:report"
topic = "done"
done-topic = "reported"
"""


class Up:
    """A running `task up`, whose lines can be waited for."""

    def __init__(self, folder, *words, **more):
        self.text = ""
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "task_core", "up", *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._news:
                self.text += line
                self._news.notify_all()

    def sees(self, pattern, count=1):
        """Wait for so many lines with it; return what its groups hold."""
        with self._news:
            found = self._news.wait_for(
                lambda: len(re.findall(pattern, self.text)) >= count, PATIENCE
            )
            assert found, self.text
            return re.findall(pattern, self.text)

    def ends(self):
        """Wait for the end; return the exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stderr.close()
        return code


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "workers.py").write_text(WORKERS)
    (tmp_path / "task.toml").write_text(PIPELINE)
    return tmp_path


@pytest.fixture
def up(folder):
    """Start one; whatever happens, nothing of it is left."""
    started = []

    def start(*words, **more):
        started.append(Up(folder, *words, **more))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.ends()


def task(folder, *words, **more):
    return subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        **more,
    )


def await_gone(pids):
    """Wait until there are no such processes."""
    ends = time.monotonic() + PATIENCE
    for pid in pids:
        while Path(f"/proc/{pid}").exists() and time.monotonic() < ends:
            time.sleep(0.05)
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_five_processes_are_one_pipeline_and_stop_cleanly(folder, up):
    """What one makes, others do; SIGTERM ends all of them, with exit code 0."""
    running = up()
    running.sees(r"task: (worker|taskmaster) \w+ on bus sqlite", 5)
    running.sees(r"report *\| report of loaded", 3)
    pids = {pid for _, pid in running.sees(r"\| (clock|fetch|load) is (\d+)")}
    assert re.search(r"^clock  \| clock is \d+$", running.text, re.MULTILINE)
    running.process.send_signal(signal.SIGTERM)
    assert running.ends() == 0
    assert running.text.count("-- ended with exit code 0") == 5
    assert "instance" not in running.text, "`instances` is ours, and not the launchers'"
    await_gone(pids)


def test_an_interrupt_is_told_by_the_exit_code(folder, up):
    """As of `task launch`."""
    running = up("--only", "clock")
    running.sees("clock is")
    running.process.send_signal(signal.SIGINT)
    assert running.ends() == 130


def test_a_killed_process_starts_again(folder, up):
    """After a wait that is told."""
    running = up()
    (first,) = running.sees(r"clock is (\d+)")
    os.kill(int(first), signal.SIGKILL)
    running.sees(r"clock *\| -- was ended by SIGKILL; starts again in 0\.\ds")
    assert running.sees(r"clock is (\d+)", 2)[1] != first


def test_no_process_outlives_a_killed_command(folder, up):
    """Each notices by itself that nobody holds its leash."""
    running = up()
    running.sees(r"report of loaded", 2)
    pids = {pid for _, pid in running.sees(r"(clock|fetch|load|loaded \d+) is (\d+)")}
    running.process.kill()
    await_gone(pids)


def test_a_second_signal_kills_what_does_not_stop(folder, up):
    """A person who asks twice does not want to wait."""
    (folder / "task.toml").write_text(
        '[up.sleep]\nworker="./workers.py:sleep"\nbus="sqlite://task.db"\n'
        'kill-time="5m"\n'
    )
    task(folder, "send", "--bus", "sqlite://task.db", "sleep", "600")
    running = up()
    (pid,) = running.sees(r"sleep is (\d+)")
    running.process.send_signal(signal.SIGTERM)
    running.sees("SIGTERM: stopping; once more: at once")
    running.process.send_signal(signal.SIGTERM)
    assert running.ends() == 130
    await_gone([pid])


def test_what_ended_for_good_is_left_at_that(folder):
    """A process that has drained its topic is done, and so is the command."""
    (folder / "task.toml").write_text(
        '[task]\nbus = "sqlite://task.db"\n[launch]\ndrain = true\n'
        '[up.load]\nworker = "./workers.py:load"\n'
    )
    task(folder, "send", "--bus", "sqlite://task.db", "load", "a.csv")
    done = task(folder, "up")
    assert done.returncode == 0, done.stderr
    assert "load | load is" in done.stderr
    assert done.stderr.count("ended with exit code 0\n") == 1


def test_what_ended_for_good_is_left_at_that_with_instances_too(folder):
    """It is a supervisor itself then, and tells of its end as a launcher does."""
    (folder / "task.toml").write_text(
        '[task]\nbus = "sqlite://task.db"\n[launch]\ndrain = true\n'
        'instances = "2"\n[up.load]\nworker = "./workers.py:load"\n'
    )
    task(folder, "send", "--bus", "sqlite://task.db", "load", "a.csv")
    done = task(folder, "up")
    assert done.returncode == 0, done.stderr
    assert "load is" in done.stderr
    assert "load | -- ended with exit code 0\n" in done.stderr
    assert "starts again" not in done.stderr


@pytest.mark.parametrize("on", ["true", '"yes"', "1"])
def test_failed_tasks_are_told_by_the_exit_code(folder, on):
    """Where `fail` asks for that, as every table may write it."""
    (folder / "task.toml").write_text(
        '[up.fail]\nworker = "./workers.py:fail"\nbus = "sqlite://task.db"\n'
        f"drain = {on}\nfail = {on}\n"
    )
    task(folder, "send", "--bus", "sqlite://task.db", "fail", "no")
    done = task(folder, "up")
    assert done.returncode == 1, done.stderr
    assert "ended with exit code 1\n" in done.stderr


def test_always_starts_again_what_ended_by_itself(folder, up):
    """For those who let workers live for so many tasks."""
    (folder / "task.toml").write_text(
        '[up.load]\nworker="./workers.py:load"\nbus="sqlite://task.db"\n'
        'max_tasks = 1\nrestart = "always"\n'
    )
    task(folder, "send", "--bus", "sqlite://task.db", "load", "1")
    task(folder, "send", "--bus", "sqlite://task.db", "load", "2")
    running = up()
    assert len(set(running.sees(r"load is (\d+)", 2))) == 2


def test_what_can_never_work_stops_everything(folder, up):
    """A pipeline of which a part cannot start is not what was asked for."""
    with (folder / "task.toml").open("a") as file:
        file.write('require = "atomic"\nout_bus = "file://x"\n')
    running = up()
    assert running.ends() == 2, running.text
    assert "report | -- ended with exit code 2" in running.text
    assert "-- report can never work: stopping" in running.text


def test_a_taskmaster_that_can_never_work_stops_everything_too(folder, up):
    """It has not begun when the address of its page is in use."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        table = f'[up.clock]\nstatus = "127.0.0.1:{port}"\n'
        (folder / "task.toml").write_text(PIPELINE.replace("[up.clock]\n", table))
        running = up()
        assert running.ends() == 2, running.text
    assert "clock  | -- ended with exit code 2" in running.text
    assert "-- clock can never work: stopping" in running.text


def test_all_mistakes_of_a_file_are_told_with_their_lines(folder):
    """And nothing is started."""
    (folder / "wrong.toml").write_text(
        '[task]\nbus = "sqlite://task.db"\n'
        '[up.load]\nworker = "./workers.py:load"\nconcurency = 2\ninstances = 0\n'
        "retries = -1\n"
        "[up.nobody]\nretries = 1\n"
        '[up.else]\nworker = "lode"\n'
    )
    done = task(folder, "up", "wrong.toml")
    assert done.returncode == 2
    assert "line 5: [up.load] has no key 'concurency'" in done.stderr
    assert "did you mean 'concurrency'?" in done.stderr
    assert re.search(r"instances.*line 6", done.stderr)
    assert "line 7: retries: must be >= 0, got -1" in done.stderr
    assert "line 8: [up.nobody] wants a worker or a taskmaster" in done.stderr
    assert re.search("line 10: .*lode", done.stderr)
    assert "Traceback" not in done.stderr
    assert not (folder / "task.db").exists()


def test_what_is_not_installed_is_told_by_the_exit_code(folder):
    """As of `task launch`, when nothing else is wrong."""
    (folder / "task.toml").write_text(
        '[task]\nbus = "sqlit://task.db"\n[up.load]\nworker = "./workers.py:load"\n'
        '[up.fetch]\nworker = "ecko"\n'
    )
    done = task(folder, "up")
    assert done.returncode == 3, done.stderr
    assert "line 3: there is no bus 'sqlit': did you mean 'sqlite'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("", [], "there is no table|has no table"),
        ("[up]\nload = 1\n", [], "line 2: `task up` has no option 'load'"),
        ('[up]\nonly = ["x"]\n', [], r"line 2: \[up\] holds tables alone"),
        ('[up.a]\nworker = "echo"\n', [], r"\[up.a\]: the bus 'stdio' is a pipe"),
        (
            '[up.a]\nworker = "echo"\nbus = "memory"\n',
            [],
            r"\[up.a\]: the bus 'memory' is each process's own",
        ),
        ("[up.a\n", [], "is no TOML"),
        (
            '[up.a]\nworker = "echo"\n',
            ["--only", "b"],
            r"no table \[up.b\]; there is a",
        ),
        ("", ["other.toml"], "cannot read other.toml"),
        (None, [], "there is no task.toml here: name your file, or write one with"),
        ('[upp.a]\nworker = "echo"\n', ["--only", "b"], "has no table"),
    ],
)
def test_a_wrong_file_is_one_line(folder, text, words, said):
    """As for every command."""
    if text is None:
        (folder / "task.toml").unlink()
    else:
        (folder / "task.toml").write_text(text)
    done = task(folder, "up", *words)
    assert done.returncode == 2
    assert re.search(said, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("status", "tables", "said"),
    [
        (
            "127.0.0.1:18123",
            "[up.a]\nworker = 'echo'\ninstances = 2\n",
            "[up.a]: 2 instances cannot share status = '127.0.0.1:18123': write 127.",
        ),
        (
            "unix:a.sock",
            "[up.a]\nworker = 'echo'\ninstances = 2\n",
            "[up.a]: 2 instances cannot share status = 'unix:a.sock': write a table",
        ),
        (
            "127.0.0.1:18123",
            "[up.a]\nworker = 'echo'\n[up.b]\nworker = 'nop'\n",
            "[up.b]: cannot share status = '127.0.0.1:18123' with [up.a]: give each",
        ),
    ],
)
def test_one_address_for_several_processes_is_told_before_a_start(
    folder, status, tables, said
):
    """The first would have it, and the second would end all of them."""
    (folder / "task.toml").write_text(
        f"[task]\nbus = 'sqlite://task.db'\n[launch]\nstatus = '{status}'\n{tables}"
    )
    done = task(folder, "up")
    assert done.returncode == 2
    assert done.stderr.startswith(f"task: {said}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert not (folder / "task.db").exists()


def test_instances_have_status_pages_at_ports_that_are_free(folder, up):
    """As a line of each tells."""
    (folder / "task.toml").write_text(
        "[task]\nbus = 'sqlite://task.db'\n[up.load]\nworker = './workers.py:load'\n"
        "instances = 2\nstatus = '127.0.0.1:0'\n"
    )
    running = up()
    found = running.sees(r"load\.\d \| .*task: status: 127.0.0.1:(\d+)", 2)
    assert len(set(found)) == 2


def test_secrets_are_not_in_the_list_of_processes(folder, up):
    """Anybody may look at that."""
    (folder / "task.toml").write_text(
        '[up.load]\nworker="./workers.py:load"\nbus="sqlite://secret-place.db"\n'
    )
    task(folder, "send", "--bus", "sqlite://secret-place.db", "load", "1")
    running = up()
    (pid,) = running.sees(r"load is (\d+)")
    command = Path(f"/proc/{pid}/cmdline").read_text()
    assert "--worker=./workers.py:load" in command
    assert "secret-place" not in command


@pytest.mark.parametrize("plain", [False, True])
def test_names_are_coloured_on_a_terminal_alone(folder, plain):
    """And never where NO_COLOR is set."""
    (folder / "task.toml").write_text(
        '[task]\nbus = "sqlite://task.db"\n[launch]\ndrain = true\n'
        '[up.load]\nworker = "./workers.py:load"\n'
    )
    task(folder, "send", "--bus", "sqlite://task.db", "load", "a.csv")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1" if plain else ""}
    done = subprocess.Popen(
        [sys.executable, "-m", "task_core", "up"],
        cwd=folder,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    text = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while piece := os.read(ours, 65536):
            text += piece
    os.close(ours)
    assert done.wait(PATIENCE) == 0
    assert (b"\033[36mload |\033[0m load is" in text) is not plain
    assert b"load |" in text
