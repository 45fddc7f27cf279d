"""Rules of `task_core.cli.send`."""

import io
import json
import os
import subprocess
import sys
import time
from functools import partial

import pytest

from task_core.cli.lines import Envelope, _batches, _chunks, messages_of, send_lines
from task_core.cli.send import _read_task
from task_core.errors import HookError, SendError, UsageError
from task_core.wire import decode_task

TASK = [sys.executable, "-m", "task_core"]
GOOD = b'{"type":"a","info":"1"}'
ENVELOPE = Envelope(topic="", delay=0.0, priority=0)


@pytest.fixture
def send(task):
    """Send, and return the only task that was printed."""

    def run(*words):
        done = task("send", *words)
        assert (done.code, done.err) == (0, "")
        [line] = done.out.splitlines()
        return decode_task(line.encode())

    return run


def test_a_task_is_printed_to_be_piped(send):
    """Without a bus; with its date and an id of its own."""
    task = send("hello", "Hello World!")
    assert (task.type, task.info, task.job, task.meta) == (
        "hello",
        "Hello World!",
        "",
        "",
    )
    assert task.id
    assert task.created


def test_info_may_be_left_out(send):
    """Not every task needs one."""
    assert send("hello").info == ""


def test_info_may_begin_with_a_dash(send):
    """After `--`, as everywhere."""
    assert send("hello", "--", "-x").info == "-x"


def test_flags_fill_the_other_fields(send):
    """Meta is encoded; a key may be repeated."""
    words = ("--job", "daily", "--id", "7", "--meta", "b=x&y", "--meta", "a=1=2")
    task = send("hello", "x", *words, "--meta", "a=")
    assert (task.job, task.id) == ("daily", "7")
    assert task.meta == "a=1%3D2&a=&b=x%26y"


def test_the_type_is_the_topic_unless_told_otherwise(task, folder):
    """On the bus `file` the topic names the file."""
    assert task("send", "hello", "--bus", "file").code == 0
    assert task("send", "hello", "--bus", "file", "--topic", "jobs").code == 0
    assert {*os.listdir(folder)} == {"hello", "jobs"}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("a", "Hello", "World"),
            "one INFO is wanted: put it in quotes: 'Hello World'",
        ),
        (("",), "TYPE is empty"),
        (("a", "--meta", "x"), "--meta: not key=value: 'x'"),
        (("a", "--delay", "soon"), "--delay: "),
        (
            ("a", "--at", "tomorrow"),
            "--at: not an RFC 3339 date like 2026-01-02T03:04:05Z: 'tomorrow'",
        ),
        (("a", "--unique", "0s"), "--unique: must be more than 0s"),
        (("-", "x"), "with - the tasks come from stdin: leave out x"),
        (("-", "--job", "x"), "leave out --job"),
        (("-", "--meta", "x=1"), "leave out --meta"),
        (("-", "--id", "x"), "leave out --id"),
        ((), "say what to send: TYPE and INFO, or - for tasks as JSON lines"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(task, words, text):
    """Nothing is overlooked, and nothing sent."""
    done = task("send", *words, stdin=GOOD)
    assert (done.code, done.out) == (2, "")
    assert text in done.err


def test_a_delay_needs_a_bus_that_can(task):
    """A pipe cannot."""
    done = task("send", "a", "--delay", "1s")
    assert done.code == 2
    assert "does not offer 'delay'" in done.err


def test_a_higher_priority_is_done_first(task):
    """From flags and from stdin; where the bus can."""
    for info, priority in (("low", -1), ("normal", 0), ("high", 5)):
        done = task("send", "echo", info, "--bus", "sqlite", f"--priority={priority}")
        assert (done.code, done.err) == (0, "")
    launched = task("launch", "--worker", "echo", "--in-bus", "sqlite", "--drain")
    infos = [json.loads(line)["info"] for line in launched.out.splitlines()]
    assert infos == ["high", "normal", "low"]
    refused = task("send", "echo", "--priority", "1")
    assert "does not offer 'priority'" in refused.err


def test_a_delayed_task_is_not_there_yet(task):
    """It is on its way."""
    assert task("send", "a", "--bus", "sqlite", "--delay", "1h").code == 0
    assert task("tail", "a", "--bus", "sqlite", "--channel", "a").out == ""


def test_with_a_dash_for_info_each_line_of_stdin_is_one(task):
    """A list of files is work to do; what belongs to all of them stays."""
    stdin = "a b.csv\n\n  ü \n".encode()
    done = task("send", "load", "-", "--job", "daily", "--meta", "k=v", stdin=stdin)
    assert (done.code, done.err) == (0, "")
    tasks = [decode_task(line.encode()) for line in done.out.splitlines()]
    assert [(one.type, one.info) for one in tasks] == [
        ("load", "a b.csv"),
        ("load", "ü"),
    ]
    assert {(one.job, one.meta) for one in tasks} == {("daily", "k=v")}
    assert len({one.id for one in tasks}) == 2


def test_a_line_that_can_be_no_info_is_told_and_the_others_are_sent(task):
    """By its number, as with lines of JSON."""
    done = task("send", "load", "-", stdin=b"a\n\xff\nb\n")
    assert [json.loads(line)["info"] for line in done.out.splitlines()] == ["a", "b"]
    assert done.code == 1
    assert "task: line 2: not UTF-8: invalid start byte" in done.err


def test_a_byte_order_mark_is_told_as_with_json(task):
    """It was the beginning of the info, which nobody sees."""
    done = task("send", "load", "-", stdin=b"\xef\xbb\xbfa.csv\r\nb.csv\r\n")
    assert [json.loads(line)["info"] for line in done.out.splitlines()] == ["b.csv"]
    assert done.code == 1
    assert "task: line 1: it starts with a byte order mark\n" in done.err


def test_many_tasks_do_not_share_an_id_by_mistake(task):
    """Nobody could tell their done tasks apart."""
    done = task("send", "load", "-", "--id", "7", stdin=b"a\n")
    assert done.code == 2
    assert done.err == "task: --id: of many tasks each has its own; leave it out\n"


def test_lines_of_stdin_are_sent_as_they_are(task):
    """With keys that we do not know, and in their order; blank ones are no tasks."""
    lines = [b'{"type":"a","info":"1","own":true}', b'{ "info":"2", "type":"b" }']
    done = task("send", "-", stdin=b"\n".join([*lines, b"", b"  "]))
    assert (done.code, done.err) == (0, "")
    assert done.out.encode().splitlines() == lines


def test_each_line_goes_to_the_topic_of_its_type(task, folder):
    """Or all to one."""
    stdin = GOOD + b'\n{"type":"b","info":""}\n'
    assert task("send", "-", "--bus", "file", stdin=stdin).code == 0
    assert {*os.listdir(folder)} == {"a", "b"}
    assert task("send", "-", "--bus", "file", "-t", "all", stdin=stdin).code == 0
    assert len((folder / "all").read_text().splitlines()) == 2


def test_lines_that_are_no_tasks_are_named_and_the_others_sent(task):
    """The exit code tells that something is missing."""
    done = task("send", "-", stdin=b"\n".join([GOOD, b"", b"nope", b"[]", GOOD]))
    assert done.code == 1
    assert len(done.out.splitlines()) == 2
    assert [line.partition(": not")[0] for line in done.err.splitlines()] == [
        "task: line 3",
        "task: line 4",
        "task: 2 sent, 2 refused",
    ]


def test_a_line_that_the_bus_refuses_does_not_hold_back_the_others(task, folder):
    """It is named; the exit code tells that something is missing."""
    lines = [GOOD, b'{"type":"","info":"x"}', GOOD, b'{"type":"","info":"y"}']
    done = task("send", "-", "--bus", "sqlite", stdin=b"\n".join([*lines, b""]))
    assert done.code == 1
    assert done.err.splitlines() == [
        "task: line 2: topic required: a message names none (and 1 more line like it)",
        "task: 2 sent, 2 refused",
    ]


@pytest.mark.parametrize(
    ("delay", "text"),
    [
        ("5", "--delay: 5 of what? Give a unit, for example 5s"),
        ("-5s", "--delay: must not be negative: '-5s'"),
        ("soon", "--delay: not a duration like 10s or 1h30m: 'soon'"),
    ],
)
def test_a_delay_has_a_unit_and_is_not_negative(task, delay, text):
    """`5` is nanoseconds to some, seconds to others."""
    done = task("send", "a", "--bus", "sqlite", f"--delay={delay}")
    assert (done.code, done.err) == (2, f"task: {text}\n")


def test_a_long_line_is_read_in_linear_time():
    """Sixteen times as long takes sixteen times as long, not 256 times."""

    def seconds(size):
        start = time.process_time()
        stream = io.BufferedReader(io.BytesIO(b"x" * size))
        assert len(next(_batches(_chunks(stream)))[0][1]) == size
        return time.process_time() - start

    short, long = (min(seconds(1 << n) for _ in range(3)) for n in (21, 25))
    assert long < 128 * short


def test_nothing_on_stdin_is_nothing_to_do(task):
    """An empty file holds no task."""
    done = task("send", "-")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("size", [1, 1 << 16, 1 << 18])
def test_long_lines_and_long_inputs_arrive_whole(task, size):
    """However they are cut on their way."""
    line = json.dumps({"type": "a", "info": "x" * size}).encode()
    done = task("send", "-", stdin=b"\n".join([line] * 3))
    assert done.out.encode().splitlines() == [line] * 3


def test_lines_are_sent_as_they_come(folder):
    """A producer that goes on does not hold back what it has written."""
    process = subprocess.Popen(
        [*TASK, "send", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        for _ in range(2):
            process.stdin.write(GOOD + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == GOOD + b"\n"
        process.stdin.close()
    assert process.returncode == 0


def test_what_was_sent_before_a_failure_is_counted(folder):
    """So that one can go on from there."""
    process = subprocess.Popen(
        [*TASK, "send", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdin.write(GOOD + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == GOOD + b"\n"
        process.stdout.close()
        process.stdin.write(GOOD + b"\n")
        process.stdin.close()
        text = process.stderr.read().decode()
    assert process.returncode == 4
    assert text.startswith("task: 1 sent before this:\n")


def test_a_report_that_nobody_reads_keeps_no_task_back(folder, task):
    """As `2> >(head -1)`: the good lines are sent all the same."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as gone:
        done = subprocess.run(
            [*TASK, "send", "-", "--bus", "sqlite"],
            input=b"nope\n" + GOOD + b"\nnope\n" + GOOD,
            stderr=gone,
            check=False,
        )
    assert done.returncode == 1
    assert len(task("tail", "a", "--bus", "sqlite").out.splitlines()) == 2


class Stopping:
    """Yields lines, then raises."""

    def __init__(self, *pieces):
        self.pieces = [*pieces]

    def read1(self, size):
        piece = self.pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece


class Sending:
    """A producer of which the second call fails."""

    def __init__(self, error):
        self.error = error
        self.calls = 0

    def send(self, messages):
        self.calls += 1
        if self.calls == 2:
            raise self.error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyboardInterrupt(), "task: 2 sent before this\n"),
        (HookError("no"), "task: 2 sent before this:\n"),
        (UsageError("no"), "task: 2 sent before this:\n"),
        (SendError("no", [1]), "task: 4 sent before this:\n"),
        (SendError("no"), "task: 2 sent before this:\n"),
    ],
    ids=repr,
)
def test_however_it_ends_early_what_was_sent_is_counted(error, text, capsys):
    """Who sends the file again would send it twice; what was confirmed counts."""
    batches = (GOOD + b"\n" + GOOD + b"\n", (GOOD + b"\n") * 3)
    read = partial(messages_of, _read_task, ENVELOPE, None)
    with pytest.raises(type(error)):
        send_lines(Stopping(*batches, b""), Sending(error), read, None)
    assert capsys.readouterr().err == text


def test_who_interrupts_between_two_batches_hears_what_was_sent(capsys):
    """Ctrl-C, or SIGTERM."""
    read = partial(messages_of, _read_task, ENVELOPE, None)
    stream = Stopping(GOOD + b"\n", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        send_lines(stream, Sending(None), read, None)
    assert capsys.readouterr().err == "task: 1 sent before this\n"


def test_a_decider_that_raises_does_not_hide_what_was_sent(task, folder):
    """The tasks before it are on the bus."""
    source = """
from task_core.api import *
@hookimpl
def task_before_send(task):
    if task.info == "bad":
        raise ValueError("no")
"""
    (folder / "my_deny.py").write_text(source)
    long = json.dumps({"type": "a", "info": "x" * (1 << 16)}).encode()
    stdin = b"\n".join([long, long, b'{"type":"a","info":"bad"}'])
    hooks = ("--hooks", "./my_deny.py")
    done = task("send", "-", "--bus", "sqlite", *hooks, stdin=stdin)
    first, *rest = done.err.splitlines()
    assert first == "task: 2 sent before this:"
    assert "ValueError: no" in rest[0]
    assert done.code == 3


def test_a_file_of_hooks_may_change_what_is_sent(send, folder):
    """As those that are installed do."""
    source = "from task_core.api import *\n@hookimpl\ndef task_before_send(task):\n"
    (folder / "my_sent.py").write_text(
        f"{source}    task.info = 'changed'\n    return task\n"
    )
    assert send("load", "x", "--hooks", "./my_sent.py").info == "changed"


def test_hooks_that_do_not_load_keep_tasks_back(task, folder):
    """Who named them relies on them."""
    (folder / "my_broken.py").write_text("1 / 0\n")
    done = task("send", "load", "x", "--hooks", "./my_broken.py")
    assert (done.code, done.out) == (2, "")
    assert "cannot be imported: ZeroDivisionError" in done.err
