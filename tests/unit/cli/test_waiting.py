"""Rules of `task send --wait`: what was sent is printed when it is done."""

import io
import json
import os
import subprocess
import threading
from functools import partial
from math import inf

import pytest
from cli_lines import COMMAND
from task_bus_sqlite.plugin import sqlite

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.cli.lines import Envelope, messages_of, send_lines
from task_core.cli.send import _read_task
from task_core.cli.waiting import Waiting
from task_core.errors import BusConnectionError, BusError
from task_core.launcher.launcher import make_launcher
from task_core.task import Task
from task_core.wire import decode_task, encode_task

BUS = ("--bus", "sqlite")
GOOD = b'{"type":"load","info":"%b"}\n'


def open_bus(folder):
    return sqlite.open(sqlite.options(path=str(folder / "task.db")), BusContext())


@pytest.fixture
def worker(folder):
    """A launcher of a worker `load`, which fails when it is told so."""

    def load(info):
        if info == "bad":
            raise ValueError("no")
        return f"did {info}"

    launcher = make_launcher(load, lambda: open_bus(folder))
    thread = threading.Thread(target=launcher.run)
    thread.start()
    yield
    launcher.stop()
    thread.join(20)


def channels(folder):
    """Return the channels of the done topic."""
    bus = open_bus(folder)
    try:
        return list(bus.channels("done"))
    finally:
        bus.close()


def test_the_done_task_is_printed_and_nothing_is_left(task, folder, worker):
    """As a line of JSON; the channel goes."""
    done = task("send", "load", "a", *BUS, "--wait", "20s")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["msg"] == "did a"
    assert channels(folder) == []


def test_a_task_that_failed_is_an_exit_code(task, worker):
    """It is printed as well."""
    done = task("send", "load", "bad", *BUS, "--wait")
    assert done.code == 1
    assert json.loads(done.out)["result"] == "error"


def test_a_task_that_is_not_done_in_time_is_named(task, folder):
    """By its id; nobody knows what becomes of it."""
    done = task("send", "load", "a", "--id", "7", *BUS, "--wait", "100ms")
    assert (done.code, done.out) == (1, "")
    text = "task: 1 of 1 not done 100ms after the last was sent: id 7\n"
    assert done.err == text
    assert channels(folder) == []


def test_lines_of_stdin_get_an_id_and_are_counted(task, worker):
    """Those that have one keep it; those that are no tasks are not waited for."""
    lines = [
        b'{"type":"load","info":"a"}',
        b'{"type":"load","info":"b","id":"7"}',
        b'{"type":"load","info":"bad","id":"8"}',
        b'{"type":"","info":"c"}',
        b"nope",
    ]
    done = task("send", "-", *BUS, "--wait", "20s", stdin=b"\n".join(lines))
    tasks = {one["info"]: one for one in map(json.loads, done.out.splitlines())}
    assert done.code == 1
    assert {info: one["result"] for info, one in tasks.items()} == {
        "a": "complete",
        "b": "complete",
        "bad": "error",
    }
    assert tasks["b"]["id"] == "7"
    assert tasks["a"]["id"]
    # The launcher, which is in this process, tells what its worker raised.
    assert [line for line in done.err.splitlines() if line.startswith("task: 3")] == [
        "task: 3 sent, 2 refused",
        "task: 3 done, 1 failed",
    ]


def test_what_is_done_is_printed_while_more_is_to_come(folder, worker):
    """A producer may think for long."""
    with subprocess.Popen(
        [COMMAND, "send", "-", *BUS, "--wait", "20s"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        for info in "ab":
            process.stdin.write(b'{"type":"load","info":"%b"}\n' % info.encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["info"] == info
        process.stdin.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b"task: 2 done, 0 failed\n"


class Lines(io.BytesIO):
    """Yields one line at a time, as a producer that thinks for long."""

    def read1(self, size=-1):
        return self.readline()


class DoneAtOnce:
    """Does what is sent, and notes it."""

    def __init__(self, bus):
        self.producer = bus.producer()
        self.sent = []

    def send(self, messages):
        self.sent += [decode_task(one.body).info for one in messages]
        self.producer.send([Message("done", one.body) for one in messages])


@pytest.mark.parametrize(
    ("last", "sent", "code"),
    [(GOOD % b"3", ["1", "2", "3"], 0), (b"nope\n", ["1", "2"], 1)],
)
def test_all_is_sent_though_nobody_reads_any_more_what_is_done(
    folder, last, sent, code
):
    """As `| head -1`; to wait for the rest is of no use, and no failure."""
    bus = open_bus(folder)
    doer = DoneAtOnce(bus)
    read, gone = os.pipe()
    os.close(read)
    waiting = Waiting(bus, "done", gone, inf, count=False)
    envelope = Envelope(topic="", delay=0.0, priority=0)
    messages = partial(messages_of, _read_task, envelope, waiting)
    stream = Lines(GOOD % b"1" + GOOD % b"2" + last)
    assert send_lines(stream, doer, messages, waiting) == code
    waiting.expect(Task.new("never done"), b"")
    assert waiting.finish() == 0
    bus.close()
    os.close(gone)
    assert doer.sent == sent


@pytest.mark.parametrize("bus", ["stdio", "file"])
def test_a_bus_without_channels_says_so_before_it_sends(task, folder, bus):
    """Nobody could wait on it."""
    done = task("send", "load", "a", "--bus", bus, "--wait", "1s")
    assert (done.code, done.out) == (2, "")
    assert f"bus '{bus}' cannot do --wait: it does not offer 'channels'" in done.err
    assert list(folder.iterdir()) == []


def test_what_is_no_duration_is_refused(task, folder):
    """It may be the type, which `--wait` has taken."""
    done = task("send", *BUS, "--wait", "load", "a")
    assert done.code == 2
    assert "--wait: not a duration like 10s or 1h30m: 'load' (put --wait" in done.err
    assert list(folder.iterdir()) == []


def test_a_bar_shows_how_far_it_is(monkeypatch, capsys):
    """On a terminal."""
    from task_core.cli.render import Counter

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    counter = Counter("done")
    counter.show(15, 30)
    assert f"[{'#' * 15}{'.' * 15}] 15 of 30 done" in capsys.readouterr().err


class Away:
    """A consumer whose broker is away for so many calls; an error of it, else."""

    def __init__(self, consumer, times, error):
        self._consumer = consumer
        self._times = times
        self._error = error

    def receive(self, *args):
        self._times -= 1
        if self._times >= 0:
            raise self._error("the broker is away")
        return self._consumer.receive(*args)

    def ack(self, deliveries):
        self._consumer.ack(deliveries)
        raise self._error("the broker is away")


@pytest.fixture
def waiting_while_away(folder):
    """Begin to wait for a task 7, which is done, at a broker that is away."""
    bus = open_bus(folder)

    def wait(seconds, times, error=BusConnectionError):
        waiting = Waiting(bus, "done", 1, seconds, count=False)
        waiting._consumer = Away(waiting._consumer, times, error)
        task = Task.new("load", "a", id="7")
        body = waiting.expect(task, encode_task(task))
        bus.producer().send([Message("done", body)])
        return waiting

    yield wait
    bus.close()


def test_a_broker_that_is_away_for_a_moment_is_waited_for(waiting_while_away, capfd):
    """It was sent: to give up would say nothing of what becomes of it."""
    assert waiting_while_away(20, times=3).finish() == 0
    assert '"id":"7"' in capfd.readouterr().out


def test_a_broker_that_is_away_while_more_is_to_be_sent_is_waited_for(
    waiting_while_away, capfd
):
    """The lines go on as well."""
    waiting = waiting_while_away(20, times=3)
    assert list(waiting.chunks(io.BytesIO(b"a\n"), 9)) == [b"a\n"]
    assert waiting.finish() == 0
    assert '"id":"7"' in capfd.readouterr().out


@pytest.mark.parametrize("error", [BusConnectionError, BusError])
def test_who_gives_up_says_what_was_sent(waiting_while_away, capfd, error):
    """The broker is away for longer than one waits, or refuses."""
    waiting = waiting_while_away(0.3, times=99, error=error)
    with pytest.raises(error, match="away"):
        waiting.finish()
    assert capfd.readouterr() == (
        "",
        "task: 1 of 1 sent, not known to be done: id 7\n",
    )


def test_who_gives_up_with_lines_left_says_what_was_sent(waiting_while_away, capfd):
    """So long one waits for a broker in the midst of them."""
    waiting = waiting_while_away(0.3, times=99)
    with pytest.raises(BusConnectionError, match="away"):
        list(waiting.chunks(io.BytesIO(b"a\n"), 9))
    assert "1 of 1 sent, not known to be done: id 7\n" in capfd.readouterr().err
