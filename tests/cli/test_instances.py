"""`task launch -n`: launchers as processes, with real signals, on one SQLite file."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cli_lines import COMMAND, line

PATIENCE = 120.0
BUS = ("--bus", "sqlite")
WORKER = '''
import os
import time
from task_core.api import WorkerContext, worker

VERSION = "one"

@worker
def tell(info: str) -> str:
    """Say who does it."""
    print(f"{os.getpid()} does {info} by {VERSION}", flush=True)
    return info

@worker
def stuck(info: str) -> None:
    print(f"{os.getpid()} is stuck", flush=True)
    time.sleep(600)

@worker
def slow(info: str) -> str:
    print(f"{os.getpid()} is slow", flush=True)
    time.sleep(2)
    return info

@worker
def loud(info: str) -> None:
    while True:
        os.write(2, b"loud" * 16 + b"\\n")

@worker(timeout="100ms")
def hangs(info: str) -> None:
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

@worker
def bad(info: str) -> None:
    raise ValueError(info)
'''

MASTER = """
from task_core.api import Task, taskmaster

VERSION = "one"

@taskmaster
def clock(ctx):
    print("sends for", VERSION, flush=True)
    ctx.send(Task.new("tell", VERSION))
    ctx.wait(3600)
"""


NOHUP = ("sh", "-c", """trap '' INT HUP; exec "$@" """, "sh")
"""Starts a command as `nohup` in a script does that goes on: with `&`."""


class Running:
    """A running command, whose lines can be waited for."""

    def __init__(self, folder, *words, by=()):
        self.text = ""
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [*by, COMMAND, "launch", *BUS, *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for text in self.process.stderr:
            with self._news:
                self.text += text
                self._news.notify_all()

    def sees(self, pattern, count=1):
        """Wait for so many lines with it; return what its groups hold."""

        def found():
            return re.findall(pattern, self.text)

        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= count, PATIENCE), (
                self.text
            )
            return found()

    def ends(self):
        """Wait for the end; return the exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stderr.close()
        return code

    def told(self, number):
        """Send a signal."""
        self.process.send_signal(number)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "workers.py").write_text(WORKER)
    return tmp_path


@pytest.fixture
def launch(folder):
    """Start one; whatever happens, nothing of it is left."""
    started = []

    def start(*words, worker="workers.py:tell", by=()):
        started.append(Running(folder, "-w", worker, *words, by=by))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.ends()


@pytest.fixture
def send(folder):
    """Send tasks to `tell`, or to another topic."""

    def send(*infos, topic="tell"):
        done = subprocess.run(
            [COMMAND, "send", "-", *BUS],
            input=b"".join(line(topic, str(info)) for info in infos),
            cwd=folder,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0

    return send


READY = r"\[(\d)\] .*worker \w+ on bus sqlite"


def children(pid):
    """Return the processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(number) for number in found]


def await_gone(pids):
    """Wait until there are no such processes."""
    ends = time.monotonic() + PATIENCE
    for pid in pids:
        while Path(f"/proc/{pid}").exists() and time.monotonic() < ends:
            time.sleep(0.05)
        assert not Path(f"/proc/{pid}").exists()


def await_info(address, holds):
    """Return what `/info` tells when that is so."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            told = urllib.request.urlopen(f"http://{address}/info", timeout=PATIENCE)
        except urllib.error.HTTPError as error:  # the machine is busy
            info = error.code
        else:
            with told as page:
                info = json.load(page)
            if holds(info):
                return info
        assert time.monotonic() < ends, info
        time.sleep(0.1)


def states(info):
    """Return the state of each launcher."""
    return {one["instance"]: one["state"] for one in info["launchers"]}


def test_instances_share_a_topic_and_stop_cleanly(launch, send):
    """Each line tells whose it is; one SIGTERM ends all of them, with exit code 0."""
    running = launch("-n", "2")
    assert set(running.sees(READY, 2)) == {"1", "2"}
    pids = children(running.process.pid)
    send(*range(20))
    running.sees(r"\[\d\] \d+ does \d+ by one", 20)
    running.told(signal.SIGTERM)
    assert running.ends() == 0, running.text
    assert "SIGTERM: stopping; once more: at once" in running.text
    await_gone(pids)


def test_an_interrupt_is_told_by_the_exit_code(launch):
    """As of one launcher."""
    running = launch("-n", "2")
    running.sees(READY, 2)
    running.told(signal.SIGINT)
    assert running.ends() == 130


def test_one_that_is_killed_or_stopped_by_others_starts_again(launch):
    """After a crash, and after a signal that was not ours."""
    running = launch("-n", "2")
    running.sees(READY, 2)
    first, second = children(running.process.pid)
    os.kill(first, signal.SIGKILL)
    running.sees(r"instance \d was ended by SIGKILL; starts again in 0\.\ds")
    os.kill(second, signal.SIGTERM)
    running.sees(r"instance \d ended with exit code 0; starts again in 0\.\ds")
    running.sees(READY, 4)


def test_no_instance_outlives_a_killed_supervisor(launch):
    """Nor one that had a task which does not end."""
    running = launch("-n", "2", "--kill-time", "1s")
    running.sees(READY, 2)
    pids = children(running.process.pid)
    running.process.kill()
    await_gone(pids)


@pytest.mark.parametrize("by", [(), NOHUP], ids=["terminal", "nohup"])
def test_a_second_signal_gives_back_what_does_not_end(launch, send, by):
    """It is forwarded: nobody waits for the kill time, and nothing is lost."""
    send("x", topic="stuck")
    words = ("-n", "2", "--kill-time", "5m")
    running = launch(*words, worker="workers.py:stuck", by=by)
    running.sees(r"is stuck")
    running.sees(READY, 2)
    running.told(signal.SIGTERM)
    running.sees("SIGTERM: stopping")
    running.told(signal.SIGTERM)
    assert running.ends() == 130
    assert "1 given back" in running.text, running.text


def test_a_sigterm_to_all_processes_at_once_leaves_the_grace(launch, send):
    """As systemd sends it to a service: the supervisor passes on the same one."""
    send("x", topic="slow")
    running = launch("-n", "2", worker="workers.py:slow")
    running.sees(r"is slow")
    running.sees(READY, 2)
    for pid in (running.process.pid, *children(running.process.pid)):
        os.kill(pid, signal.SIGTERM)
    assert running.ends() == 0, running.text
    assert "1 complete" in running.text, running.text
    assert "given back" not in running.text, running.text


def test_one_that_prints_without_end_does_not_hinder_a_stop(launch, send):
    """Signals are heard between two pieces of what it says."""
    send("x", topic="loud")
    running = launch("-n", "2", "--kill-time", "100ms", worker="workers.py:loud")
    running.sees(READY, 2)
    running.sees("loudloud")
    running.told(signal.SIGTERM)
    running.sees("SIGTERM: stopping")
    running.ends()


def test_a_log_that_cannot_be_written_ends_nothing(folder, send):
    """A full disk is no reason to stop working."""
    send(*range(4))
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [COMMAND, "launch", *BUS, "-w", "workers.py:tell", "-n", "2", "--drain"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=full,
            check=False,
            timeout=PATIENCE,
        )
    assert done.returncode == 0
    found = subprocess.check_output([COMMAND, "topics", *BUS], cwd=folder, text=True)
    assert re.search(r"tell\s+tell\s+0\s+0", found), found


BROKEN = '''
from task_core.api import Worker, worker

@worker
class tell(Worker):
    def __init__(self):
        raise ValueError("no model file")

    def do_task(self, ctx) -> None:
        """Never get here."""
'''
POOLS = pytest.mark.parametrize("pool", ["thread", "process"])


@POOLS
def test_a_worker_that_cannot_be_made_is_told_once_and_ends(launch, folder, pool):
    """Wherever it is made."""
    (folder / "workers.py").write_text(BROKEN)
    running = launch("-n", "2", "--pool", pool)
    assert running.ends() in (2, 3)
    assert running.text.count("no model file") == 1, running.text
    assert "1 can never work: stopping" in running.text


def test_what_can_never_work_is_told_once_and_ends(launch, folder):
    """With the exit code of the one that said so; no other one was started."""
    (folder / "workers.py").write_text("import nothing_like_it\n")
    running = launch("-n", "3", "--no-reload")
    assert running.ends() in (2, 3)
    assert running.text.count("nothing_like_it") == 1
    running = launch("-n", "2", "--require", "atomic", "--ack", "early", worker="echo")
    assert running.ends() == 2
    assert running.text.count("--require atomic") == 1
    assert "1 can never work: stopping" in running.text


AWAY = """
import os
from task_core.api import Worker, worker

@worker
class tell(Worker):
    def __init__(self):
        if os.path.exists("down"):
            raise ConnectionError("no database")

    def do_task(self, ctx) -> None:
        print(f"{os.getpid()} does {ctx.task.info}", flush=True)
"""


def test_what_is_away_for_a_while_ends_nobody_who_has_worked(launch, folder, send):
    """One that is killed meanwhile tries until it is back, and the others go on."""
    (folder / "workers.py").write_text(AWAY)
    running = launch("-n", "2")
    running.sees(READY, 2)
    send("a")
    (first,) = running.sees(r"(\d+) does a")
    (folder / "down").touch()
    os.kill(int(first), signal.SIGKILL)
    running.sees("ended with exit code 3; starts again in")
    send("b")
    (other,) = running.sees(r"(\d+) does b")
    assert other != first
    (folder / "down").unlink()
    running.sees(READY, 3)
    running.told(signal.SIGTERM)
    assert running.ends() == 0


def test_limits_that_end_hold_for_each_and_end_all(launch, send):
    """`--drain` and `--max-tasks` are the launchers'; `--fail` is told."""
    send(*range(4))
    running = launch("-n", "2", "--drain")
    assert running.ends() == 0, running.text
    assert running.text.count("ended with exit code 0\n") == 2
    send("x", topic="bad")
    running = launch("-n", "2", "--drain", "--fail", worker="workers.py:bad")
    assert running.ends() == 1, running.text
    assert "starts again" not in running.text


def test_one_that_leaves_a_thread_behind_has_ended_by_itself(launch, send):
    """`--max-tasks` ended it: it is not started again for more."""
    send(*range(4), topic="hangs")
    running = launch("-n", "2", "--max-tasks", "1", worker="workers.py:hangs")
    assert running.ends() == 0, running.text
    assert "starts again" not in running.text
    assert running.text.count("1 error") == 2, running.text


def test_sighup_renews_all_and_leaves_no_gap(launch, folder, send):
    """A successor receives before the one that it follows is told to stop."""
    running = launch("-n", "2")
    running.sees(READY, 2)
    before = children(running.process.pid)
    send(*range(10))
    running.sees("does \\d+ by one", 10)
    (folder / "workers.py").write_text(WORKER.replace('"one"', '"another"'))
    running.told(signal.SIGHUP)
    running.sees("instances: all are renewed")
    steps = running.text[running.text.index("SIGHUP: renewing") :]
    for number in "12":
        assert f"instances: {number}: its successor receives" in steps
    running.sees(READY, 4)  # what they tell may be read a moment later
    send(*range(10, 30))
    running.sees("does \\d+ by another", 20)
    await_gone(before)
    running.told(signal.SIGTERM)
    assert running.ends() == 0
    done = re.findall(r"does (\d+) by", running.text)
    assert sorted(map(int, done)) == list(range(30))


@POOLS
@pytest.mark.parametrize("source", ["import nothing_like_it\n", BROKEN])
def test_a_successor_that_cannot_start_changes_nothing(
    launch, folder, send, pool, source
):
    """A deployment that is broken does not take down what works."""
    running = launch("-n", "2", "--pool", pool)
    running.sees(READY, 2)
    before = children(running.process.pid)
    (folder / "workers.py").write_text(source)
    running.told(signal.SIGHUP)
    running.sees(r"1: its successor ended with exit code \d before it could receive")
    assert children(running.process.pid) == before
    send("x")
    running.sees("does x by one")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bus", "stdio", "-n", "2"], b"bus 'stdio' is a pipe"),
        (["--bus", "stdio", "--reload"], b"bus 'stdio' is a pipe"),
        (["--bus", "memory", "-n", "2"], b"cannot be shared by 2 instances"),
        (["--bus", "file", "-n", "2"], b"cannot be shared by 2 instances"),
        (["-n", "0"], b"must be 1, 2,"),
        (["-n", "some"], b"must be 1, 2,"),
    ],
)
def test_what_cannot_be_shared_is_refused(task, words, said):
    """In one line, before anything is started."""
    done = task("launch", "-w", "echo", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert b"Traceback" not in done.stderr


def test_json_lines_stay_objects(launch):
    """Each says whose it is."""
    running = launch("-n", "2", "--log-format", "json", "--drain")
    assert running.ends() == 0
    objects = [json.loads(text) for text in running.text.splitlines()]
    assert {one.get("instance") for one in objects} == {None, "1", "2"}


def test_reload_starts_anew_when_the_source_changes(launch, folder, send):
    """A mistake is one line, and the next save goes on."""
    pytest.importorskip("watchfiles")
    running = launch("--reload")
    running.sees("reloading when Python changes in")
    running.sees(READY)
    send("a")
    running.sees("does a by one")
    (folder / "workers.py").write_text(WORKER.replace('"one"', '"another"'))
    running.sees(r"workers.py changed: starting anew")
    send("b")
    running.sees("does b by another")
    (folder / "workers.py").write_text("def\n")
    running.sees(r"workers.py, line 1: .*: not reloaded")
    (folder / "workers.py").write_text("import nothing_like_it\n")
    running.sees("waiting for a change")
    assert "Traceback" not in running.text
    (folder / "workers.py").write_text(WORKER.replace('"one"', '"three"'))
    send("c")
    running.sees("does c by three")
    running.told(signal.SIGTERM)
    assert running.ends() == 0


def test_a_taskmaster_is_reloaded_and_told_of_as_a_worker_is(folder):
    """On a page of its own."""
    pytest.importorskip("watchfiles")
    (folder / "masters.py").write_text(MASTER)
    words = ("--taskmaster", "masters.py:clock", "--reload")
    running = Running(folder, *words, "--status", "127.0.0.1:0")
    try:
        (address,) = running.sees(r"task: status: (127\S+)")
        running.sees("sends for one")
        (folder / "masters.py").write_text(MASTER.replace('"one"', '"another"'))
        running.sees("sends for another")
        info = await_info(address, lambda info: "taskmaster" in info)
        assert (info["taskmaster"]["name"], info["state"]) == ("clock", "working")
        running.told(signal.SIGTERM)
        assert running.ends() == 0
    finally:
        running.process.kill()
        running.ends()


def test_reload_runs_the_new_source_of_one_length_and_second(launch, folder, send):
    """Python keeps what it has compiled by these; so did a launch before."""
    pytest.importorskip("watchfiles")
    assert launch("--drain").ends() == 0
    source = folder / "workers.py"
    saved = source.stat().st_mtime_ns

    def save(text):
        (folder / "next").write_text(text)
        os.utime(folder / "next", ns=(saved, saved))
        (folder / "next").replace(source)

    save(WORKER.replace('"one"', '"two"'))
    running = launch("--reload")
    running.sees(READY)
    send("a")
    running.sees("does a by two")
    save(WORKER.replace('"one"', '"six"'))
    running.sees(r"workers.py changed: starting anew")
    send("b")
    running.sees("does b by six")
    save(WORKER.replace('"one"', '"ten"'))
    running.sees(r"workers.py changed: starting anew", 2)
    send("c")
    running.sees("does c by ten")


def test_one_status_page_tells_of_all(launch):
    """Also of those that have followed others."""
    running = launch("-n", "2", "--status", "127.0.0.1:0")
    (address,) = running.sees(r"task: status: (127\S+)")
    running.sees(READY, 2)
    pids = children(running.process.pid)
    running.told(signal.SIGHUP)
    running.sees("instances: all are renewed")
    with urllib.request.urlopen(f"http://{address}/ready", timeout=PATIENCE) as page:
        assert page.read() == b"ready\n"
    with urllib.request.urlopen(f"http://{address}/info", timeout=PATIENCE) as page:
        info = json.load(page)
    assert info["instances"] == 2
    assert info["pid"] == running.process.pid
    assert [one["instance"] for one in info["launchers"]] == ["1", "2"]
    told = {one["pid"] for one in info["launchers"]}
    assert told == set(children(running.process.pid))
    assert told.isdisjoint(pids)
    with urllib.request.urlopen(f"http://{address}/2/live", timeout=PATIENCE) as page:
        assert page.read() == b"live\n"
    frozen = info["launchers"][0]["pid"]
    os.kill(frozen, signal.SIGSTOP)
    wanted = {"1": "does not answer", "2": "working"}
    await_info(address, lambda info: states(info) == wanted)
    os.kill(frozen, signal.SIGCONT)
    wanted = {"1": "working", "2": "working"}
    await_info(address, lambda info: states(info) == wanted)
    running.told(signal.SIGTERM)
    assert running.ends() == 0


def test_a_plain_launch_loads_nothing_of_it(folder):
    """Nor of limits: who wants neither pays for neither."""
    program = (
        "import atexit, sys\n"
        "from task_core.cli.main import main\n"
        "rooms = ('task_core.supervisor', 'task_core.launcher.limits')\n"
        "tell = lambda: print([x for x in sys.modules if x.startswith(rooms)])\n"
        "atexit.register(tell)\n"
        "main(['launch', '-w', 'echo', '--drain', '--bus', 'sqlite'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0
    assert b"[]" in done.stdout + done.stderr
