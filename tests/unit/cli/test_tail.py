"""Rules of `task_core.cli.tail`."""

import json
import os
import pty
import re
import subprocess
import sys
from unittest.mock import Mock

import pytest

from task_core.api import BusError, Capabilities
from task_core.cli import tail

TASK = [sys.executable, "-m", "task_core"]
LINES = """\
{"type":"load","job":"daily","info":"a.csv","created":"2024-01-02T03:04:05Z"}
{"type":"load","info":"b.csv","result":"error","msg":"no such table"}
nope
"""


@pytest.fixture
def jobs(folder):
    """A file with three lines, one of them no task."""
    (folder / "jobs").write_text(LINES)
    return folder


def test_lines_are_piped_as_they_are(task, jobs):
    """To the end of a bus that has one; broken lines too."""
    done = task("tail", "jobs", "--bus", "file")
    assert (done.code, done.out, done.err) == (0, LINES, "")


def test_a_limit_stops_it(task, jobs):
    """Exactly there."""
    out = task("tail", "jobs", "--bus", "file", "--max", "2").out
    assert out == "".join(LINES.splitlines(keepends=True)[:2])


def test_what_was_shown_is_not_shown_again(task, folder):
    """On a channel; what the limit left out comes next."""
    for info in "abc":
        assert task("send", "load", info, "--bus", "sqlite").code == 0
    shown = ("tail", "load", "--bus", "sqlite", "--max", "2", "--channel", "me")
    infos = [re.findall('"info":"(.)"', task(*shown).out) for _ in range(3)]
    assert infos == [["a", "b"], ["c"], []]


def test_a_look_takes_nothing_from_the_worker_to_come(task, folder):
    """Whoever looks before the first launch may look twice, and loses nothing."""
    for info in "abc":
        assert task("send", "echo", info, "--bus", "sqlite").code == 0
    look = ("tail", "echo", "--bus", "sqlite", "--max", "2")
    for _ in range(2):
        assert re.findall('"info":"(.)"', task(*look).out) == ["a", "b"]
    launch = [*TASK, "launch", "-w", "echo", "--bus", "sqlite", "--drain"]
    done = subprocess.run(launch, check=True, capture_output=True, cwd=folder)
    assert b"3 complete" in done.stderr


def on_a_terminal(*words, **environment):
    """Return what a person sees."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", **environment}
    command = [*TASK, "tail", "jobs", "--bus", "file", *words]
    subprocess.run(command, stdout=theirs, env=env, check=True)
    os.close(theirs)
    with os.fdopen(ours, "rb") as file:
        return file.read1().decode().replace("\r\n", "\n")


def test_a_person_sees_a_readable_form(jobs):
    """Date, result, type and job, info, message; in colours."""
    first, second, third = on_a_terminal(NO_COLOR="").splitlines()
    blue, red, plain = "\x1b[34m", "\x1b[31m", "\x1b[0m"
    assert first == f"2024-01-02T03:04:05Z  {blue}to do   {plain}  load:daily  a.csv"
    assert f"{red}error   {plain}  load  b.csv" in second
    assert "no such table" in second
    assert third == f"{red}nope{plain}"


def test_a_person_may_want_no_colours_or_the_bytes(jobs):
    """Both can be had."""
    assert "\x1b" not in on_a_terminal(NO_COLOR="1")
    assert on_a_terminal("--raw") == LINES


def test_nothing_that_a_task_says_steers_the_terminal_of_a_person(jobs):
    """It may hold what moves the cursor or fills the clipboard."""
    evil = {"type": "a\u009b2J", "info": "\x1b]52;c;aGk=\x07\u202e", "msg": "b\rc"}
    (jobs / "jobs").write_text(f"{json.dumps(evil)}\n\x1b[2J\n")
    seen = on_a_terminal(NO_COLOR="1")
    assert "a\\x9b2J  \\x1b]52;c;aGk=\\x07\\u202e  b\\rc\n\\x1b[2J\n" in seen
    assert "\x1b" not in seen + on_a_terminal("--raw")


def test_a_bus_without_end_is_followed_only_when_told(task):
    """Else a quiet second is the end."""
    task("send", "a", "x", "--bus", "sqlite")
    assert '"info":"x"' in task("tail", "a", "--bus", "sqlite").out


def test_following_shows_what_comes_later(folder):
    """Until it is stopped."""
    (folder / "jobs").write_text('{"type":"a","info":"1"}\n')
    process = subprocess.Popen(
        [*TASK, "tail", "jobs", "--bus", "file", "--bus-follow", "--follow"],
        stdout=subprocess.PIPE,
    )
    with process:
        assert b'"1"' in process.stdout.readline()
        with (folder / "jobs").open("a") as file:
            file.write('{"type":"a","info":"2"}\n')
        assert b'"2"' in process.stdout.readline()
        process.send_signal(2)
    assert process.returncode == 130


def test_workers_miss_nothing_that_is_shown(folder):
    """It reads on a channel of its own, beside those that there are."""
    launch = [*TASK, "launch", "-w", "echo", "--bus", "sqlite", "--drain"]
    subprocess.run(launch, check=True)
    bus = ["--bus", "sqlite"]
    subprocess.run([*TASK, "send", "echo", "x", *bus], check=True)
    channel = ["--channel", "me", "--bus-from", "start"]
    tail = [*TASK, "tail", "echo", *bus, *channel, "--max", "1"]
    assert b'"info":"x"' in subprocess.run(tail, check=True, capture_output=True).stdout
    last = subprocess.run(
        [*launch, "--max-tasks", "1"], check=True, capture_output=True
    )
    assert b"1 complete" in last.stderr


@pytest.mark.parametrize("words", [("tail", "a"), ("dead", "list", "a")])
def test_a_terminal_is_no_bus(words, folder):
    """Whoever forgot --bus waits for nothing."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [*TASK, *words], stdin=theirs, capture_output=True, text=True, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("task: which bus? Give --bus, set TASK_BUS")


def test_following_leaves_no_channel_behind(task, folder):
    """Every message would be kept for it from then on."""
    task("send", "load", "x", "--bus", "sqlite")
    bus = ["--bus", "sqlite", "--bus-from", "start"]
    follow = [*TASK, "tail", "load", *bus, "--follow", "--max", "1"]
    subprocess.run(follow, check=True, capture_output=True)
    assert "tail" not in task("topics", "--bus", "sqlite").out


def test_all_who_follow_see_all_though_their_processes_have_one_number():
    """As in containers: on one channel, each would see a part of what comes."""
    bus, options = Mock(capabilities=Capabilities(channels=True, ack=True)), Mock()
    options.channel, options.follow = "", True
    bus.subscribe.side_effect = BusError("enough")
    for _ in range(2):
        with pytest.raises(BusError, match="enough"):
            tail._show_all(bus, "a", options, print)
    first, second = (call.args for call in bus.subscribe.call_args_list)
    assert first[0] == second[0] == "a"
    assert first[1] != second[1]


def test_a_topic_with_a_typing_error_is_an_error(task, folder):
    """It is not made either."""
    task("send", "load", "x", "--bus", "sqlite")
    done = task("tail", "laod", "--bus", "sqlite")
    assert done.code == 4
    assert "has no topic 'laod': did you mean 'load'?" in done.err
    assert "laod" not in task("topics", "--bus", "sqlite").out


def test_a_topic_that_is_not_there_is_an_error(task):
    """With its name."""
    done = task("tail", "no.json", "--bus", "file")
    assert done.code == 4
    assert "no.json" in done.err
