"""Rules of `task status` and `task top`."""

import contextlib
import http.server
import json
import os
import pty
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from task_command_status.ask import STRANGER, check, facts_of
from task_command_status.cells import cut, width
from task_command_status.table import HEADS, rows, running, table

NAP = """
def nap(info, ctx):
    ctx.log.info("it naps")
    ctx.wait(float(info))
"""


def task(*words, cwd=None):
    """Run a command, and return how it went."""
    return subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def napping(tmp_path):
    """The address of a launcher whose only slot is busy."""
    (tmp_path / "nap.py").write_text(NAP)
    words = ["launch", "-w", "nap.py:nap", "--status", f"unix:{tmp_path}/s"]
    with subprocess.Popen(
        [sys.executable, "-m", "task_core", *words],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdin.write('{"type":"nap","info":"600","id":"7"}\n')
        process.stdin.flush()
        for line in process.stderr:
            if "it naps" in line:
                break
        yield f"unix:{tmp_path}/s"
        process.kill()


def test_a_launcher_is_a_line(napping):
    """With its state, its counts and what it runs."""
    done = task("status", napping)
    assert done.returncode == 0, done.stderr
    head, line = done.stdout.splitlines()
    assert head.split() == [*HEADS]
    address, name, state, _, finished, failed, dead, runs = line.split()
    assert (name, state) == ("nap", "working")
    assert (finished, failed, dead, runs) == ("0", "0", "0", "1")
    assert address.endswith((napping[-10:], "…"))


def test_all_facts_are_there_as_json(napping):
    """In a line for each address."""
    (line,) = task("status", "--json", napping).stdout.splitlines()
    told = json.loads(line)
    assert told["address"] == napping
    assert told["launcher"]["tasks"][0]["id"] == "7"


def test_top_lists_what_runs(napping):
    """Below the table."""
    done = task("top", "--count", "2", "--interval", "100ms", napping)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("nap 7, attempt 1") == 2
    assert done.stdout.count("ADDRESS") == 2


@pytest.mark.parametrize("interval", ["5", "0s", "-5s", "soon"])
def test_an_interval_has_a_unit_and_takes_time(interval):
    """As every duration."""
    done = task("top", "--interval", interval, "127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("task: --interval: ")


def test_who_is_not_there_is_told_beside_the_others(napping, tmp_path):
    """And the exit code says so."""
    done = task("status", f"unix:{tmp_path}/no", "127.0.0.1:1", napping)
    assert done.returncode == 4
    assert "there is no such file" in done.stdout
    assert "nobody is there" in done.stdout
    assert " nap " in done.stdout


def test_top_says_in_the_end_that_one_never_answered(napping):
    """As status does."""
    done = task("top", "--count", "1", "127.0.0.1:1", napping)
    assert done.returncode == 4
    assert "nobody is there" in done.stdout
    assert " nap " in done.stdout


@contextlib.contextmanager
def answering(body):
    """Yield the address of a server that answers so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def stranger():
    """The address of a server whose /info is JSON about something else: an nsqd's."""
    with answering(b'{"version":"1.3.0","state":"up","tcp_port":4150}') as address:
        yield address


def test_a_server_of_somebody_else_is_none_of_ours(stranger):
    """It is no empty line with the exit code of success, and its JSON is not shown."""
    done = task("status", stranger)
    assert done.returncode == 4
    assert "answers, but is no launcher or taskmaster" in done.stdout
    done = task("status", "--json", stranger)
    assert done.returncode == 4
    assert json.loads(done.stdout) == {
        "address": stranger,
        "error": "answers, but is no launcher or taskmaster",
    }


@pytest.mark.parametrize("command", ["status", "top"])
def test_what_is_no_address_is_one_line(command):
    """It says how they look."""
    done = task(command, "here")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("task: 'here' is no address: give HOST:PORT")


def test_a_taskmaster_is_a_line_too():
    """What it has sent is what it has done."""
    facts = {
        "state": "stopping",
        "taskmaster": {
            "name": "clock",
            "runtime": "3s",
            "producer": {"sent": {"a": 1000, "b": 2}},
            "consumer": {"dead": 1},
        },
    }
    (line,) = rows("a:1", facts, "")
    assert line == ["a:1", "clock", "stopping", "3s", "1,002", "", "1", "", ""]


def test_several_launchers_and_instances_are_lines_each():
    """Each with its own state."""
    one = {"worker": "load", "results": {"complete": 3, "error": 1}, "dead": 2}
    others = [{**one, "instance": "1"}, {**one, "instance": "2", "state": "stopping"}]
    facts = {"state": "working", "instances": 2, "launchers": [one, *others]}
    lines = [*rows("a:1", facts, "")]
    assert [line[4:7] for line in lines] == [["4", "1", "2"]] * 3
    assert [line[1] for line in lines] == ["load", "load.1", "load.2"]
    assert [line[2] for line in lines] == ["working", "working", "stopping"]


def test_an_instance_of_which_nothing_is_known_is_a_line_too():
    """It is the one that somebody looks for."""
    facts = {"launchers": [{"instance": "2", "state": "does not answer"}]}
    (line,) = rows("a:1", facts, "")
    assert line[:3] == ["a:1", "2", "does not answer"]


def test_the_instances_of_one_launch_are_lines_each(tmp_path):
    """As the supervisor tells of them."""
    (tmp_path / "nap.py").write_text(NAP)
    words = ["launch", "-w", "nap.py:nap", "--bus", "sqlite:t.db", "-n", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "task_core", *words, "--status", f"unix:{tmp_path}/s"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 120
        while "nap.2" not in (text := task("status", f"unix:{tmp_path}/s").stdout):
            assert time.monotonic() < deadline, text
        process.terminate()
        assert process.wait(60) == 0
    assert "nap.1" in text


def test_nothing_steers_the_terminal():
    """The other end may be anybody."""
    lines = table([["a:1", "\x1b[2J", "x" * 99, *[""] * 6]])
    assert "\x1b" not in lines[1]
    assert len(lines[1]) < 120


def test_tasks_without_an_id_are_told_by_their_info():
    """As everywhere."""
    task_ = {"running": "3s", "type": "load", "info": "a.csv", "attempt": 2}
    assert running({"launcher": {"tasks": [task_]}}) == [
        "         3s  load a.csv, attempt 2"
    ]


def test_who_cannot_be_asked_is_told_so(tmp_path, monkeypatch):
    """In the words of who looks, not of the system."""
    assert facts_of(f"unix:{tmp_path}/no", 5.0) == ({}, "there is no such file")

    def unknown(*args, **more):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert facts_of("nowhere:1", 5.0) == ({}, "there is no such host")


def test_one_that_hangs_is_waited_for_no_longer_than_told():
    """So long a screen is late, and an interrupt."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert facts_of(address, 0.1) == ({}, "does not answer")


def test_one_that_says_a_little_now_and_then_is_waited_for_no_longer():
    """Each byte is an answer, and all of them are none."""
    over = threading.Event()

    def drip(server):
        with contextlib.suppress(OSError):
            client, _ = server.accept()
            with client:
                client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not over.wait(0.01):
                    client.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=drip, args=(server,))
        dripping.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(facts_of, address, 0.2)
            try:
                assert answer.result(60) == ({}, "does not answer")
            finally:
                over.set()
                dripping.join()


@pytest.mark.parametrize(
    "facts",
    [
        {"launcher": {"results": [1]}},
        {"launcher": {"results": {"x": "y"}}},
        {"launcher": {"tasks": [{}]}},
        {"launcher": {}},
        {"launcher": {"dead": "many"}},
        {"launchers": [1]},
        {"launchers": []},
        {"taskmaster": {"producer": 7}},
    ],
)
def test_facts_of_another_shape_are_none_of_ours(facts):
    """The other end may be anybody."""
    answer = json.dumps(facts).encode()
    with answering(answer) as address:
        assert facts_of(address, 60.0) == ({}, STRANGER)


def test_an_answer_without_a_bottom_is_one_line():
    """It is told as any other nonsense."""
    with answering(b"[" * 200_000) as address:
        assert facts_of(address, 60.0)[1].startswith("answers nonsense: ")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("unix:{}/file/x", "cannot be asked: Not a directory"),
        ("unix:" + "/x" * 80, "cannot be asked: AF_UNIX path too long"),
    ],
)
def test_who_cannot_be_asked_has_not_answered(address, said, tmp_path):
    """The words of the system, without its numbers."""
    (tmp_path / "file").touch()
    assert facts_of(address.format(tmp_path), 60.0) == ({}, said)


def test_wide_letters_take_their_place():
    """On a terminal they are two cells each, and the picture must not drift."""
    assert (width("漢字e\u0301"), cut("漢字", 3), cut("ab", 3)) == (5, "漢", "ab")
    one, two = table([["漢字", *"abcdefgh"], ["abcd", *"abcdefgh"]])[1:]
    assert one == two.replace("abcd", "漢字", 1)


@pytest.mark.parametrize("address", ["http://a:1", "http://a:1/", "http://a:1/info"])
def test_an_address_may_be_as_a_browser_has_it(address):
    """It is what lies at hand."""
    assert check(address) == "a:1"


@pytest.mark.parametrize("address", ["unix:", "http://", "http://a", "https://a:1"])
def test_half_an_address_is_none(address):
    """Before anybody is asked."""
    done = task("status", address)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert " is no address: give HOST:PORT" in done.stderr


@pytest.mark.parametrize(("term", "steers"), [("xterm", True), ("dumb", False)])
def test_a_terminal_that_cannot_be_steered_is_not(term, steers):
    """It gets one table after the other, as a file does."""
    here, there = pty.openpty()
    words = ["-m", "task_core", "top", "--count", "1", "127.0.0.1:1"]
    env = {**os.environ, "TERM": term}
    words = [sys.executable, *words]
    done = subprocess.run(words, stdout=there, env=env, check=False)
    assert done.returncode == 4
    os.close(there)
    told = os.read(here, 10_000)
    os.close(here)
    assert b"nobody is there" in told
    assert (b"\x1b" in told) is steers
