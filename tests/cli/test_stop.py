"""How `task launch` stops: real signals on real processes."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from cli_lines import line, lines


def wait_for(stream, text: bytes) -> None:
    """Read lines until one holds the text."""
    for seen in stream:
        if text in seen:
            return
    raise AssertionError(f"{text!r} never came")


def test_a_stuck_worker_is_left_behind_after_the_kill_time(start):
    """SIGTERM: the process ends, and its task has a line."""
    process = start("launch", "-w", "workers.py:stuck", "--kill-time", "500ms")
    process.stdin.write(line("t", "1"))
    process.stdin.flush()
    wait_for(process.stderr, b"it is stuck")
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=40)
    assert 0.5 <= time.monotonic() - begin < 30
    assert b"stopping: waits up to 500ms for 1 task to finish" in err
    assert b"warning: task t '1' at 1, attempt 1: did not stop in 500ms" in err
    assert process.returncode == 0
    (only,) = lines(out)
    assert only["result"] == "error"
    assert only["msg"] == "worker forced to close; waited '500ms'"


def test_two_signals_end_it_at_once(start):
    """Whatever the kill time; and the task still has a line."""
    process = start("launch", "-w", "workers.py:stuck", "--kill-time", "1h")
    process.stdin.write(line("t", "1"))
    process.stdin.flush()
    wait_for(process.stderr, b"it is stuck")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=40)
    assert process.returncode == 130
    (only,) = lines(out)
    assert only["result"] == "error"
    assert only["msg"].startswith("worker forced to close; waited '")
    assert "1h" not in only["msg"], "it did not wait that long"


IMPATIENT = """
from task_core.cli.main import main
from task_core.launcher import signals
signals.MARGIN = 2.0
main()
"""


def test_a_bus_that_hangs_is_left_behind_with_its_exit_code(folder):
    """Nobody reads the pipe: what was done is not known to anybody."""
    command = [sys.executable, "-c", IMPATIENT, "launch", "-w", "workers.py:echo_back"]
    with subprocess.Popen(
        [*command, "--kill-time", "200ms"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdin.write(line("t", "x" * 200_000))
        process.stdin.flush()
        wait_for(process.stderr, b"worker")
        assert process.stdout.read(1)  # it writes, and the pipe will be full
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 4
        assert b"bus 'stdio' did not answer in time" in process.stderr.read()


FLOODS = """
import os
def flood(info):
    with open("begun", "w"):
        pass
    print("p" * 300_000)
"""
"""The named pipe `begun` tells a test that it prints."""


@pytest.mark.parametrize("pool", ["thread", "process"])
@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]])
def test_a_stop_waits_for_no_reader_of_what_is_said(folder, signals, pool):
    """Who holds stderr may read it later or never; every task has its line."""
    (folder / "floods.py").write_text(FLOODS)
    os.mkfifo(folder / "begun")
    command = [sys.executable, "-m", "task_core", "launch", "-w", "floods.py:flood"]
    with subprocess.Popen(
        [*command, "--kill-time", "1s", "--pool", pool],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdin.write(line("t", "1"))
        process.stdin.flush()
        (folder / "begun").read_bytes()
        await_full(process.stderr)
        for number in signals:
            process.send_signal(number)
        try:
            assert process.wait(40) == (0 if len(signals) == 1 else 130)
            assert len(lines(process.stdout.read())) == 1
        finally:
            process.kill()


def await_full(stream):
    """Wait until a pipe has no room for one more piece."""
    size = fcntl.fcntl(stream, fcntl.F_GETPIPE_SZ) - select.PIPE_BUF
    deadline = time.monotonic() + 60
    held = 0
    while held <= size:
        assert time.monotonic() < deadline, held
        held = struct.unpack("i", fcntl.ioctl(stream, termios.FIONREAD, bytes(4)))[0]
        time.sleep(0.01)  # a pipe tells no event of it


@pytest.mark.parametrize("worker", ["nap", "async_nap"])
def test_a_worker_that_listens_stops_early(start, worker):
    """Its context is cancelled, and the task is reported as interrupted."""
    process = start("launch", "-w", f"workers.py:{worker}", "--kill-time", "1h")
    process.stdin.write(line("t", "3600"))
    process.stdin.flush()
    wait_for(process.stderr, b"worker")  # the line at the start: signals are handled
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=40)
    assert process.returncode == 0
    assert [t["msg"] for t in lines(out)] in (["task interrupted"], [])


def test_every_line_that_was_read_has_a_line_after_a_signal(start):
    """Running, buffered and read ahead: none is lost, none is done twice."""
    count = 2_000
    args = ("--prefetch", "50", "-c", "2")
    process = start("launch", "-w", "workers.py:signals_itself", *args)
    tasks = b"".join(line("t", str(n)) for n in range(count))
    try:
        process.stdin.write(tasks)
        process.stdin.close()
    except BrokenPipeError:
        pass  # it has stopped to read, as it should
    process.stdin = None  # closed: nothing is left to flush
    out, _ = process.communicate(timeout=40)
    infos = [int(t["info"]) for t in lines(out)]
    assert infos, "at least the one that stopped it"
    assert sorted(infos) == list(range(len(infos)))


def test_a_signal_before_the_first_task_ends_an_idle_launcher(start):
    """Waiting on a pipe does not make it deaf."""
    process = start("launch", "--worker", "echo")
    wait_for(process.stderr, b"worker echo on bus stdio")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=40)
    assert (process.returncode, out) == (0, b"")


def test_an_interrupt_from_the_keyboard_exits_with_130(start):
    """As shells expect."""
    process = start("launch", "--worker", "echo")
    wait_for(process.stderr, b"worker echo on bus stdio")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert process.returncode == 130


@pytest.mark.parametrize("worker", ["leaves_a_thread", "leaves_an_executor"])
def test_threads_that_a_worker_left_are_named_and_left_behind(start, worker):
    """After the kill time; until then they may end."""
    args = ("--kill-time", "500ms")
    process = start("launch", "-w", f"workers.py:{worker}", *args)
    process.stdin.write(line("t", "1"))
    process.stdin.close()
    process.stdin = None
    out, told = process.communicate(timeout=40)
    assert (process.returncode, len(lines(out))) == (0, 1)
    assert b"threads that the worker left are still busy: " in told


def test_threads_that_end_in_time_are_waited_for(start):
    """What they do is done."""
    process = start("launch", "-w", "workers.py:leaves_an_idle_executor")
    process.stdin.write(line("t", "1"))
    process.stdin.close()
    process.stdin = None
    out, told = process.communicate(timeout=40)
    assert (process.returncode, len(lines(out))) == (0, 1)
    assert b"still busy" not in told


def test_a_close_that_does_not_end_is_left_behind(start):
    """With what is left of the kill time, a second at least."""
    process = start("launch", "-w", "workers.py:NeverCloses", "--kill-time", "500ms")
    process.stdin.write(line("t", "1"))
    process.stdin.flush()
    assert process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=40)
    assert process.returncode == 0
    assert b"the worker's close() does not end: left behind" in told


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]])
def test_a_stop_ends_the_wait_for_a_close_that_is_at_it(start, signals):
    """Also when the input had ended, and nobody had asked for anything."""
    process = start("launch", "-w", "workers.py:NeverCloses", "--kill-time", "500ms")
    process.stdin.close()
    process.stdin = None
    wait_for(process.stderr, b"it closes")
    for number in signals:
        process.send_signal(number)
    _, told = process.communicate(timeout=300)
    assert process.returncode == (0 if len(signals) == 1 else 130)
    assert b"the worker's close() does not end: left behind" in told
