"""`task launch --status`: what a process tells while it works."""

import json
import signal
import socket

import pytest
from cli_lines import line


def ask(folder, path):
    """Return the status line and the body of a page."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "s"))
        client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], body


def wait_for(stream, text):
    for seen in stream:
        if text in seen:
            return
    raise AssertionError(f"{text!r} never came")


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_a_launcher_tells_what_it_is_at(start, folder, pool):
    """Also while its only slot is busy, and while it stops."""
    flags = ["--status", "unix:s", "--pool", pool, "-l", "debug", "--kill-time", "20s"]
    process = start("launch", "-w", "workers.py:stuck", *flags)
    process.stdin.write(line("stuck", "1"))
    process.stdin.flush()
    wait_for(process.stderr, b"it is stuck")
    assert ask(folder, "/live")[0] == b"HTTP/1.1 200 OK"
    assert ask(folder, "/ready") == (b"HTTP/1.1 200 OK", b"ready\n")
    info = json.loads(ask(folder, "/info")[1])
    assert info["pid"] == process.pid
    (task,) = info["launcher"]["tasks"]
    assert (task["type"], task["info"]) == ("stuck", "1")
    process.send_signal(signal.SIGTERM)
    wait_for(process.stderr, b"stopping: waits")
    assert ask(folder, "/ready")[1] == b"stopping\n"
    assert ask(folder, "/live")[0] == b"HTTP/1.1 200 OK"


def test_a_taskmaster_has_a_status_too(start, folder):
    """With what it tells of itself."""
    (folder / "waits.py").write_text(
        "from task_core.api import taskmaster\n"
        "@taskmaster\n"
        "def waits(ctx):\n"
        "    ctx.log.info('it waits')\n"
        "    ctx.wait(600)\n"
    )
    flags = ["--taskmaster", "waits.py:waits", "--status", "unix:s"]
    process = start("launch", *flags)
    wait_for(process.stderr, b"it waits")
    assert ask(folder, "/ready") == (b"HTTP/1.1 200 OK", b"ready\n")
    info = json.loads(ask(folder, "/info")[1])
    assert (info["taskmaster"]["name"], info["taskmaster"]["info"]) == ("waits", {})
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not (folder / "s").exists()


def test_an_address_that_is_in_use_is_one_line(task):
    """Before anything is read."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = task("launch", "-w", "echo", "--status", address, stdin=line("t", "1"))
    assert (done.returncode, done.stdout) == (2, b"")
    text = f"task: --status: cannot listen at {address}: Address already in use\n"
    assert done.stderr.decode() == text


def test_a_launch_without_a_status_does_not_know_the_server(task, folder):
    """Nor asyncio, which it needs."""
    (folder / "knows.py").write_text(
        "import sys\n"
        "def knows(info):\n"
        "    names = 'task_core.launcher.status', 'asyncio', 'task_core.cli.serving'\n"
        "    return str([one for one in names if one in sys.modules])\n"
    )
    done = task("launch", "-w", "knows.py:knows", stdin=line("t", "1"))
    assert json.loads(done.stdout)["msg"] == "[]"
