"""Several processes on one store, as they are run."""

import os
import signal

import pytest
from store_processes import ALONE, CLAIM_AND_DIE, CLAIM_MANY, OPEN, end, start
from task_store import Claim, InUseError
from task_store.alone import Alone


def test_what_a_killed_process_has_claimed_another_one_sends(url, open_):
    """With its bytes, when its lease is over."""
    process = start(CLAIM_AND_DIE, url)
    stdout, stderr = process.communicate(timeout=120)
    assert (stdout, process.returncode) == ("claimed\n", -signal.SIGKILL), stderr
    store = open_(url)
    assert store.claim([Claim("k", "load", b"another")]) == [False]
    assert store.pending() == 1
    while not (found := store.take_over()):
        pass
    assert found == [Claim("k", "load", b"mine")]


def test_of_two_processes_each_key_is_one_ones(url, open_):
    """The insert decides, whoever is faster."""
    store = open_(url)
    store.check()
    processes = [start(CLAIM_MANY, url, name) for name in ("a", "b")]
    assert sum(int(end(process)) for process in processes) == 40
    found = store.find(f"k{number}" for number in range(40))
    assert {it.claim.body for it in found.values()} <= {b"a", b"b"}


def test_several_first_starts_at_once_make_the_tables_once(url, open_):
    """The others wait, and find nothing to do."""
    processes = [start(OPEN, url) for _ in range(4)]
    for process in processes:
        end(process)
    assert open_(url).pending() == 0


def test_a_second_instance_is_refused_while_the_first_one_lives(url, store, tmp_path):
    """It says who that is."""
    process = start(ALONE, url)
    assert process.stdout.readline() == "alone\n", process.stderr.read()
    second = Alone(store._database, "cron", beat=5.0, silence=60.0)
    with pytest.raises(
        InUseError, match=f"'cron' is at work already, process {process.pid} on"
    ):
        second.enter()
    with store.alone("another"):
        pass
    end(process)
    with store.alone("cron"):
        pass


def test_one_that_was_killed_on_this_machine_is_succeeded_at_once(url, store):
    """A supervisor starts the next one without a wait for its silence."""
    process = start(ALONE, url)
    assert process.stdout.readline() == "alone\n", process.stderr.read()
    process.kill()
    process.communicate()
    second = Alone(store._database, "cron", silence=1e9)
    second.enter()
    second.leave()


def test_one_on_another_machine_is_succeeded_after_its_silence(
    store, other, monkeypatch
):
    """Nobody can look for its process."""
    monkeypatch.setattr("task_store.alone._place", lambda: "elsewhere")
    first = Alone(other._database, "cron", beat=1e9)  # as if it were gone
    first.enter()
    monkeypatch.undo()
    second = Alone(store._database, "cron", beat=0.2, silence=1.0)
    second.enter()
    second.check()
    first._tell()
    with pytest.raises(InUseError, match="another instance has taken its place"):
        first.check()
    second.leave()
    first.leave()


def test_a_fork_uses_connections_of_its_own(store):
    """Those of its parent belong to that one."""
    store.claim([Claim("a", "load", b"parent")])
    pid = os.fork()
    if pid == 0:
        try:
            done = store.claim([Claim("b", "load", b"child")]) == [True]
        finally:
            os._exit(0 if done else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert store.claim([Claim("b", "load", b"parent")]) == [False]
