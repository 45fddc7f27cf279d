"""The hooks at work: real launchers over SQLite, killed ones among them."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from task_core import connect
from task_core.api import DuplicateError, FrameworkError, OptionError, Task, UsageError

PATIENCE = 60.0
COMMAND = (sys.executable, "-m", "task_core")
WORKERS = '''
import os
import sqlite3
import time
from pathlib import Path

from task_core.api import Task, worker


def note(text):
    """Leave a line behind."""
    with open("runs.txt", "a") as file:
        file.write(f"{text}\\n")


@worker
def charge(info: str) -> str:
    note(info)
    return f"charged {info}"


@worker
async def mail(info: str) -> None:
    note(info)


@worker
def fail(info: str) -> None:
    note(info)
    raise ValueError(info)


@worker
def batch(info: str) -> None:
    """Fail with the second of two that begin together, when the first is settled."""
    note(info)
    while not {"1", "2"} <= set(Path("runs.txt").read_text().split()):
        time.sleep(0.02)
    if info == "2":
        database = sqlite3.connect("once.db")
        while not database.execute("SELECT 1 FROM once WHERE done").fetchone():
            time.sleep(0.02)
        raise ValueError(info)


@worker
def strange(task: Task) -> None:
    """Put into the task what is no text."""
    note(task.info)
    task.info = 7


@worker
def endless(info: str) -> None:
    """Hear no exception until its process ends."""
    note(info)
    while not Path("go").exists():
        try:
            time.sleep(10)
        except BaseException:
            pass


@worker
def hang(info: str) -> None:
    note(f"{info} {os.getpid()}")
    while not Path("go").exists():
        time.sleep(0.02)
'''


@pytest.fixture(autouse=True)
def seen(monkeypatch):
    """The tests of the core hide it."""
    monkeypatch.delenv("TASK_PLUGINS_DISABLED", raising=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workers.py").write_text(WORKERS)
    return tmp_path


@pytest.fixture
def bus(folder):
    """A client of the bus of the folder."""
    with connect("sqlite://task.db") as client:
        yield client


def settings(folder, text):
    (folder / "task.toml").write_text(f"[hooks.once]\n{text}\n")


def command(worker, *flags):
    words = ("--worker", f"./workers.py:{worker}", "--bus", "sqlite://task.db")
    return [sys.executable, "-m", "task_core", "launch", *words, *flags]


def launch(worker, *flags):
    done = subprocess.run(
        command(worker, "--drain", *flags),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def results(bus):
    tasks = bus.read("done", channel="test", timeout=0.1)
    return [(task.result, re.sub(r"[\w-]{30,}", "ID", task.msg)) for task in tasks]


def await_results(bus, count):
    told = []
    ends = time.monotonic() + PATIENCE
    while len(told) < count:
        assert time.monotonic() < ends
        told += results(bus)
    return told


def runs(folder):
    file = folder / "runs.txt"
    return file.read_text().splitlines() if file.exists() else []


def await_runs(folder, count):
    ends = time.monotonic() + PATIENCE
    while len(runs(folder)) < count:
        assert time.monotonic() < ends
        time.sleep(0.02)
    return runs(folder)


@pytest.mark.parametrize("worker", ["charge", "mail"])
def test_the_like_of_a_done_task_is_skipped(folder, bus, worker):
    """Its done task says by which one; other tasks are not concerned."""
    settings(folder, 'types = ["charge", "mail"]')
    for info in ("1", "1", "2"):
        bus.send(worker, info)
    launch(worker)
    launch(worker)
    assert runs(folder) == ["1", "2"]
    told = results(bus)
    assert ("complete", "already done by task ID") in told
    assert {result for result, _ in told} == {"complete"}
    assert len(told) == 3


def test_only_named_types_run_once(folder, bus):
    """An installed plugin changes nothing by itself."""
    settings(folder, 'types = ["mail"]')
    bus.send("charge", "1")
    bus.send("charge", "1")
    launch("charge")
    assert runs(folder) == ["1", "1"]


def test_error_reports_the_second_one(folder, bus):
    """For those who want to know; a key may leave the info out."""
    settings(folder, 'types = ["*"]\nmode = "error"\nkey = "{meta:order}"')
    for info in ("1", "2"):
        bus.send("charge", info, meta={"order": "x"})
    launch("charge")
    assert runs(folder) == ["1"]
    assert ("error", "already done by task ID") in results(bus)


def test_a_failed_task_may_run_again(folder, bus):
    """Its own retries too."""
    settings(folder, 'types = ["fail"]')
    bus.send("fail", "1")
    launch("fail", "--retries", "1", "--retry-delay", "10ms")
    bus.send("fail", "1")
    launch("fail")
    assert runs(folder) == ["1", "1", "1"]


def test_tasks_that_share_an_id_are_told_apart(folder, bus):
    """As those of a batch do: the first is remembered, the failed one runs again."""
    settings(folder, 'types = ["batch"]')
    for info in ("1", "2"):
        bus.send("batch", info, id="shared")
    launch("batch", "-c", "2", "--retries", "1", "--retry-delay", "10ms")
    assert sorted(runs(folder)) == ["1", "2", "2"]
    assert sorted(result for result, _ in results(bus)) == ["complete", "error"]
    bus.send("batch", "1")
    launch("batch")
    assert results(bus) == [("complete", "already done by task shared")]


def test_a_redelivery_waits_for_the_run_that_is_in_work(folder, bus):
    """It was not run, so it frees nothing."""
    settings(folder, 'types = ["hang"]\npause = "50ms"')
    task = Task.new("hang", "1")
    for _ in range(2):
        bus.send(task)
    launched = subprocess.Popen(
        command("hang", "-c", "2", "-l", "debug"),
        stderr=subprocess.PIPE,
        text=True,
    )
    guard = threading.Timer(PATIENCE, launched.kill)
    guard.start()
    waits = 0
    for line in launched.stderr:
        waits += "waits for task" in line
        if waits == 10:
            break
    guard.cancel()
    (folder / "go").touch()
    told = await_results(bus, 2)
    launched.send_signal(signal.SIGTERM)
    launched.communicate(timeout=PATIENCE)
    assert (waits, len(runs(folder))) == (10, 1)
    assert sorted(told) == [
        ("complete", ""),
        ("complete", "already done by task ID"),
    ]


@pytest.mark.parametrize("worker", ["strange", "endless"])
def test_a_run_that_leaves_a_copy_behind_frees_its_key(folder, bus, worker):
    """The launcher goes on with what was delivered, which is another object."""
    settings(folder, 'types = ["*"]\npause = "50ms"')
    bus.send(worker, "1", meta={"timeout": "100ms"})
    launch(worker, "--retries", "1", "--retry-delay", "10ms", "--kill-time", "100ms")
    assert runs(folder) == ["1", "1"]
    assert [result for result, _ in results(bus)] == ["error"]


def test_a_task_that_a_retiring_process_was_given_is_not_its_own_like(folder):
    """Another one does it, under the lock that was taken for it."""
    settings(folder, 'types = ["charge"]')
    infos = [str(number) for number in range(40)]
    lines = "".join(f'{{"type":"charge","info":"{info}"}}\n' for info in infos)
    words = ("--worker", "./workers.py:charge", "--pool", "process", "-c", "1")
    done = subprocess.run(
        [*COMMAND, "launch", *words, "--max-tasks-per-child", "3"],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line)["msg"] for line in done.stdout.splitlines()]
    assert sorted(told) == sorted(f"charged {info}" for info in infos)
    assert sorted(runs(folder)) == sorted(infos)


def test_without_a_window_only_what_is_in_work_counts(folder, bus):
    """A lock, and no memory."""
    settings(folder, 'types = ["charge"]\nwindow = "0s"')
    bus.send("charge", "1")
    bus.send("charge", "1")
    launch("charge")
    assert runs(folder) == ["1", "1"]


def test_waiting_counts_no_try_and_ends_when_the_first_is_done(folder, bus):
    """More often than a bus would hand it out."""
    settings(folder, 'types = ["hang"]\nmode = "wait"\npause = "50ms"')
    bus.send("hang", "2")
    bus.send("hang", "2")
    second = subprocess.Popen(command("hang", "-c", "2", "--max-attempts", "3"))
    await_runs(folder, 1)
    time.sleep(0.5)  # ten pauses
    (folder / "go").touch()
    told = await_results(bus, 2)
    second.send_signal(signal.SIGTERM)
    assert second.wait(PATIENCE) == 0
    assert len(runs(folder)) == 1
    assert ("complete", "already done by task ID") in told


def test_the_lock_of_a_killed_worker_ends(folder, bus):
    """Its task runs again, and is not taken for done."""
    settings(folder, 'types = ["hang"]\nlease = "2s"\npause = "100ms"')
    bus.send("hang", "1")
    first = subprocess.Popen(command("hang", "--lease", "1s"))
    await_runs(folder, 1)
    first.kill()
    first.wait()
    (folder / "go").touch()
    second = subprocess.Popen(command("hang", "--lease", "1s"))
    # It waits for the lock, which is no task done: then it runs.
    assert len(await_runs(folder, 2)) == 2
    ends = time.monotonic() + PATIENCE
    while not (told := results(bus)):
        assert time.monotonic() < ends
    assert told == [("complete", "")]
    second.send_signal(signal.SIGTERM)
    second.wait(PATIENCE)


def test_a_lock_is_renewed_while_its_task_runs(folder, bus):
    """However long that is; the like of it is skipped meanwhile."""
    settings(folder, 'types = ["hang"]\nlease = "1s"')
    bus.send("hang", "1")
    first = subprocess.Popen(command("hang"))
    await_runs(folder, 1)
    time.sleep(2.5)  # leases would have ended twice
    bus.send("hang", "1")
    second = subprocess.Popen(command("hang", "--max-tasks", "1"))
    assert second.wait(PATIENCE) == 0
    assert results(bus) == [("complete", "already in work by task ID")]
    (folder / "go").touch()
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE) == 0
    assert len(runs(folder)) == 1


def test_tasks_wait_for_a_store_that_is_away(folder, bus):
    """They are no errors: nothing is wrong with them."""
    settings(folder, 'types = ["charge"]\nstore = "sqlite://gone/once.db"')
    bus.send("charge", "1")
    process = subprocess.Popen(command("charge"), stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "cannot be used" in line:
            break
    (folder / "gone").mkdir()
    await_runs(folder, 1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert results(bus) == [("complete", "charged 1")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('mod = "skip"', r"task.toml, line 2: .*'mod': did you mean 'mode'"),
        ('mode = "drop"', "hooks.once.mode"),
        ('store = "mysql://x:hush@y"', "hooks.once.store"),
        ('store = "sqlite://"', "each process would have its own; give sqlite://PATH"),
        ('store = "sqlite://:memory:"', "give sqlite://PATH"),
        ('key = "{nothing}"', "there is no {nothing}"),
        ('lease = "0s"', "more than 0s"),
    ],
)
def test_wrong_options_are_told_before_the_start(folder, text, said):
    """With the line, and without secrets."""
    settings(folder, text)
    done = subprocess.run(
        command("charge"), capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 2
    assert re.search(said, done.stderr), done.stderr
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr


def test_unique_refuses_the_second_sending(folder, bus):
    """Of the same key to the same topic."""
    first = bus.send("charge", "1", unique="1h")
    with pytest.raises(DuplicateError, match=f"not sent.*{first.id}"):
        bus.send("charge", "1", unique=3600)
    bus.send("charge", "2", unique="1h")
    bus.send("charge", "1", topic="elsewhere", unique="1h")
    bus.send("charge", "1")
    assert len([*bus.read("charge", channel="x", timeout=0.1)]) == 3


def test_of_many_only_the_first_of_a_kind_is_sent(folder, bus):
    """The result tells of the others."""
    infos = ("1", "2", "1", "3")
    sent = bus.send_many((Task.new("charge", it) for it in infos), unique="1h")
    assert sent.count == 3
    assert [task.info for task in sent.unsent] == ["1"]
    assert isinstance(sent.error, DuplicateError)


def test_a_sending_that_failed_may_be_tried_again(folder):
    """It was not sent, so nothing is to be refused."""
    with connect("nop", send_err=True) as broken, pytest.raises(FrameworkError):
        broken.send("charge", "1", unique="1h", timeout=0.1)
    with connect("sqlite://task.db") as bus:
        bus.send("charge", "1", unique="1h")


@pytest.mark.parametrize("span", ["3600", "soon", 0, -1, None.__class__])
def test_a_wrong_time_is_refused_before_anything_is_sent(folder, bus, span):
    """A number without a unit could be anything."""
    with pytest.raises(UsageError, match="unique"):
        bus.send("charge", "1", unique=span)
    assert [*bus.read("charge", channel="x", timeout=0.1)] == []


def test_a_wrong_table_is_told_to_programs_too(folder, bus):
    """At the first use."""
    settings(folder, 'mod = "skip"')
    with pytest.raises(OptionError, match="did you mean 'mode'"):
        bus.send("charge", "1", unique="1h")


def send(*words, **more):
    return subprocess.run(
        [*COMMAND, "send", "--bus", "sqlite://task.db", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        **more,
    )


def test_the_command_line_refuses_the_second_sending(folder):
    """With exit code 1 and one line."""
    assert send("--unique", "1h", "charge", "1").returncode == 0
    done = send("--unique", "1h", "charge", "1")
    assert done.returncode == 1
    assert re.fullmatch(r"task: task 'charge' is not sent: .*\n", done.stderr)


def test_of_lines_those_sent_before_are_left_out(folder, bus):
    """Each is told, and the others are sent."""
    lines = [{"type": "charge", "info": it} for it in ("1", "2", "1")]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    done = send("--unique", "1h", "-", input=text)
    assert done.returncode == 1
    assert "line 3" in done.stderr
    assert "2 sent, 1 refused" in done.stderr


def test_without_a_plugin_unique_is_refused(folder):
    """Nothing is sent as if it had been looked at."""
    environment = {**os.environ, "TASK_PLUGINS_DISABLED": "task-hooks-once"}
    done = send("--unique", "1h", "charge", "1", env=environment)
    assert done.returncode == 2
    assert "no hook plugin is installed" in done.stderr


def test_the_plugin_shows_its_options():
    """And its hooks."""
    done = subprocess.run(
        [sys.executable, "-m", "task_core", "plugins", "show", "hooks", "once"],
        capture_output=True,
        text=True,
        check=True,
    )
    for text in ("TASK_HOOKS_ONCE_STORE", "task_send_failed", "task_claim_send"):
        assert text in done.stdout
