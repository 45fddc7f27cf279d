"""The taskmaster http as a process: starts, stops, kills, and what 202 promises."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
from task_taskmaster_http.rules import read_rules
from task_taskmaster_http.tokens import hash_of

from task_core.api import decode_task

LIMIT = 120


class Process:
    """One `task launch --taskmaster http`."""

    def __init__(self, folder, *flags, port=0):
        words = ["launch", "--taskmaster", "http", "--bus", "sqlite://bus.db"]
        words += ["--taskmaster-address", f"127.0.0.1:{port}", *flags]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "task_core", *words],
            cwd=folder,
            env={**os.environ, "TASK_PLUGINS_DISABLED": "task-hooks-once"},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told = []
        self.port = self._port()
        threading.Thread(target=self._read, daemon=True).start()

    def _port(self):
        for line in self.process.stderr:
            self.told.append(line)
            if found := re.search(r"listens at http://[^:]+:(\d+)", line):
                return int(found[1])
        pytest.fail("".join(self.told))

    def _read(self):
        self.told += self.process.stderr

    def post(self, tasks, **headers):
        """Return the status and the answer of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            kind = {"Content-Type": "application/json", **named}
            connection.request("POST", "/tasks", json.dumps(tasks), kind)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def end(self, number=signal.SIGTERM):
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(LIMIT)


@pytest.fixture
def launch(tmp_path):
    made = []

    def launch(*flags, **more):
        made.append(Process(tmp_path, *flags, **more))
        return made[-1]

    yield launch
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(LIMIT)
        one.process.stderr.close()


def read_all(folder):
    """Return the tasks that wait on the topic `load`."""
    words = ["tail", "load", "--bus", "sqlite://bus.db", "--no-follow"]
    done = subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        cwd=folder,
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    return [decode_task(line) for line in done.stdout.splitlines()]


def test_it_serves_until_it_is_told_to_stop(launch, tmp_path):
    """And ends well; what was answered with 202 is there."""
    process = launch()
    status, told = process.post({"type": "load", "info": "a"})
    assert status == 202
    assert process.end() == 0
    (task,) = read_all(tmp_path)
    assert (task.id, task.info) == (told["id"], "a")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_end_at_any_moment_drops_nothing_that_got_202(launch, tmp_path, number):
    """Killed in the middle of many requests; with a key, nothing is doubled either."""
    confirmed, sent, lock = {}, set(), threading.Lock()
    process = launch()
    port = process.port

    def call(name):
        for n in range(10_000):
            key = f"{name}-{n}"
            with lock:
                sent.add(key)
            try:
                status, told = process.post(
                    {"type": "load", "info": key}, Idempotency_Key=key
                )
            except (OSError, http.client.HTTPException):
                return
            if status != 202:
                return
            with lock:
                confirmed[key] = told["id"]

    callers = [threading.Thread(target=call, args=(name,)) for name in "abcd"]
    for caller in callers:
        caller.start()
    while len(confirmed) < 200:
        assert process.process.poll() is None, process.told
        callers[0].join(0.01)
    process.end(number)
    for caller in callers:
        caller.join(LIMIT)
    again = launch(port=port)
    for key in sorted(sent):
        status = 409
        while status == 409:  # its owner was killed: after the lease another sends it
            status, told = again.post(
                {"type": "load", "info": key}, Idempotency_Key=key
            )
            callers[0].join(0)
        assert status == 202
        assert confirmed.setdefault(key, told["id"]) == told["id"]
    assert again.end() == 0
    found = read_all(tmp_path)
    assert {task.info: task.id for task in found} == confirmed
    doubled = len(found) - len(confirmed)
    assert doubled <= 4  # what was in flight, and the same to the byte
    assert len({(task.info, task.id, task.created) for task in found}) == len(confirmed)


def test_a_request_that_hangs_does_not_keep_it_from_ending(launch):
    """Half a body will never come."""
    process = launch()
    with socket.create_connection(("127.0.0.1", process.port), LIMIT) as guest:
        guest.sendall(
            b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        )
        guest.sendall(b"Content-Type: application/json\r\n\r\n{")
        assert process.post({"type": "load"})[0] == 202
        assert process.end() == 0


def test_an_address_that_is_taken_is_one_line(launch, tmp_path):
    """With what to do."""
    first = launch()
    where = f"127.0.0.1:{first.port}"
    words = ["launch", "--taskmaster", "http", "--bus", "sqlite://bus.db"]
    done = subprocess.run(
        [sys.executable, "-m", "task_core", *words, "--taskmaster-address", where],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert f"cannot listen at 127.0.0.1:{first.port}: Address already in use" in last


def test_a_token_is_made_with_its_lines(tmp_path):
    """The printed lines are a rules file, with the hash of the token told beside it."""
    words = ["http", "token", "shop", "--type", "load", "--topic", "a", "--topic", "b"]
    done = subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    path = tmp_path / "rules.toml"
    path.write_text(done.stdout)
    (token,) = read_rules(path).tokens
    made = re.search(r"^task_\S+", done.stderr, re.MULTILINE)[0]
    assert made not in done.stdout
    assert (token.name, token.hash) == ("shop", hash_of(made))
    assert (token.types, token.topics) == (("load",), ("a", "b"))
