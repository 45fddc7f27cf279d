"""The embedded bus from the command line: send, launch, retry, give up, bring back."""

import json
import subprocess
import sys

from cli_lines import line, lines

BUS = ("--bus", "sqlite")


def tail(task, topic):
    return lines(task("tail", topic, *BUS).stdout)


def test_what_is_sent_before_the_first_launch_is_done_by_it(task):
    """A newcomer may begin with either."""
    task("send", "t", "early", *BUS)
    args = ("--topic", "t", "--channel", "t", "--drain")
    assert task("launch", "--worker", "echo", *BUS, *args).returncode == 0
    assert [done["msg"] for done in tail(task, "done")] == ["early"]
    assert b"t" in task("topics", *BUS).stdout


def test_a_failing_task_runs_again_and_says_how_often_it_had(task):
    """Through the bus: the first runs leave no done task."""
    task("send", "raises", "x", *BUS)
    retries = ("--retries", "2", "--retry-delay", "10ms")
    done = task("launch", "-w", "workers.py:raises", *BUS, *retries, "--drain")
    assert b"2 to run again" in done.stderr
    (only,) = tail(task, "done")
    assert (only["result"], only["meta"]) == ("error", "retry=2")


def test_drain_waits_for_what_a_killed_worker_held(task, start):
    """It comes again within a lease: an empty topic is one where nobody holds any."""
    for number in ("0", "60"):
        assert task("send", "nap", number, *BUS).returncode == 0
    launch = ("launch", "-w", "workers.py:nap", *BUS, "--lease", "5s")
    holding = start(*launch, "-c", "2")
    while len(tail(task, "done")) < 1:  # and the other one is in work
        assert holding.poll() is None
    holding.kill()
    flags = ("--topic", "nap", "--channel", "nap", "--drain", "--lease", "5s")
    drained = task("launch", "-w", "echo", *BUS, *flags)
    assert drained.returncode == 0
    assert sorted(done["info"] for done in tail(task, "done")) == ["0", "60"]


def test_a_task_that_kills_its_workers_can_be_sent_back(task):
    """After so many attempts; its bytes are those that were sent."""
    sent = task("send", "kills", "x", "--id", "7")
    assert task("send", "-", *BUS, stdin=sent.stdout).returncode == 0
    args = ("launch", "-w", "workers.py:kills", *BUS, "--lease", "100ms")
    limits = ("--max-attempts", "3", "--drain")
    for _ in range(3):
        assert task(*args, *limits).returncode == 9
    assert task(*args, *limits).returncode == 0
    (letter,) = json.loads(task("dead", "list", "kills", *BUS, "--json").stdout)
    assert letter["reason"] == "handed out 4 times and never settled"
    assert letter["body"].encode() + b"\n" == sent.stdout
    dry = task("dead", "redrive", "kills", *BUS)
    assert b"1 would be sent back" in dry.stderr
    assert b"1 sent back" in task("dead", "redrive", "kills", *BUS, "--yes").stderr
    depths = json.loads(task("topics", *BUS, "--json").stdout)
    assert ("kills", 1) in {(row["topic"], row["waiting"]) for row in depths}


def test_dead_letters_are_chosen_by_type_reason_and_age_and_dropped(task):
    """What is not meant stays."""
    task("launch", "-w", "echo", *BUS, "--out-bus", "sqlite", "--drain")
    junk = b"junk\n" + line("t")
    args = ("--in-bus", "stdio", "--out-bus", "sqlite")
    task("launch", "-w", "echo", *args, stdin=junk)
    dead = ("dead", "list", "echo", *BUS, "--json")
    assert len(json.loads(task(*dead, "--reason", "not JSON").stdout)) == 1
    assert json.loads(task(*dead, "--reason", "never settled").stdout) == []
    assert json.loads(task(*dead, "--older-than", "1h").stdout) == []
    assert json.loads(task(*dead, "--type", "t").stdout) == []
    drop = ("dead", "drop", "echo", *BUS, "--yes")
    assert b"0 dropped" in task(*drop, "--older-than", "1h").stderr
    assert b"1 dropped" in task(*drop).stderr
    assert json.loads(task(*dead).stdout) == []


def test_a_delayed_task_is_not_done_before_its_time(task):
    """It waits in the bus, not in a worker."""
    task("send", "t", "late", *BUS, "--at", "2126-01-01T00:00:00Z")
    task("send", "t", "now", *BUS)
    args = ("--topic", "t", "--channel", "t", "--max-tasks", "1")
    task("launch", "--worker", "echo", *BUS, *args)
    assert [done["msg"] for done in tail(task, "done")] == ["now"]


def test_a_guarantee_can_be_demanded(task):
    """SQLite settles atomically, a pipe promises little, early acks throw it away."""
    launch = ("launch", "-w", "echo", "--drain")
    assert task(*launch, *BUS, "--require", "atomic").returncode == 0
    refused = task(*launch, "--require", "at-least-once")
    assert refused.returncode == 2
    assert b"bus 'stdio' gives at-most-once" in refused.stderr
    early = task(*launch, *BUS, "--ack", "early", "--require", "at-least-once")
    assert early.returncode == 2


def test_early_acknowledgement_does_the_work_all_the_same(task):
    """Only the promise differs."""
    task("send", "echo", "x", *BUS)
    done = task("launch", "-w", "echo", *BUS, "--ack", "early", "--drain")
    assert b"at most once" in done.stderr
    assert [t["msg"] for t in tail(task, "done")] == ["x"]


def test_the_doctor_makes_no_file(task):
    """A mistyped path would be a new one, and answer."""
    looks = ("plugins", "doctor", "--connect", "sqlite")
    for _ in range(3):
        done = task(*looks)
        assert done.returncode == 4
        assert b"there is no file 'task.db'" in done.stderr
    task("send", "t", "x", *BUS)
    assert task(*looks).stdout.startswith(b"OK    bus sqlite answers")


IMPATIENT = """
from task_core.cli import run_launch
from task_core.cli.main import main
run_launch.LEAST_FREEZE = 1.0
main()
"""
FREEZES = """
import re
from task_core.api import *

@taskmaster
def freezes(ctx):
    for task in ctx.deliveries("load", "load"):
        re.match("(a+)+b", "a" * 40)
"""


def test_a_taskmaster_whose_body_freezes_ends_and_says_where(task, folder):
    """Its delivery comes again, and is put aside in the end."""
    (folder / "freezes.py").write_text(FREEZES)
    task("send", "load", "x", *BUS)
    command = [sys.executable, "-c", IMPATIENT, "launch", *BUS, "--lease", "1s"]
    done = subprocess.run(
        [*command, "--taskmaster", "freezes.py:freezes"],
        cwd=folder,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert b"Timeout" in done.stderr
    assert b"in freezes" in done.stderr
