"""Rules of the ids of `task_core.clock`: in order of time, none of them twice."""

import os
import threading
import time
import uuid
import warnings

import pytest

from task_core.clock import Ids, new_id
from task_core.task import Task


def fork():
    """Fork, though those who run tests side by side have threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def test_a_new_id_is_a_uuid_of_version_7():
    """In the form that others write: 36 characters, and the time in front."""
    before = time.time_ns() // 1_000_000
    made = Task.new("load").id
    after = time.time_ns() // 1_000_000
    parsed = uuid.UUID(made)
    assert (str(parsed), parsed.version, parsed.variant) == (made, 7, uuid.RFC_4122)
    assert len(made) == 36
    assert before <= parsed.int >> 80 <= after


def test_ids_sort_as_they_were_made():
    """As text, within one millisecond as well."""
    made = [new_id() for _ in range(20_000)]
    assert sorted(made) == made
    assert len(set(made)) == len(made)


def test_ids_go_on_when_the_clock_is_set_back():
    """They stay at its latest time until it has caught up."""
    moments = [10_000, 10_000, 4_000, 5_000, 10_001]
    ids = Ids(lambda: moments.pop(0) * 1_000_000)
    made = [ids.new() for _ in range(5)]
    assert sorted(made) == made
    assert [uuid.UUID(one).int >> 80 for one in made] == [10_000] * 4 + [10_001]


def test_the_ids_of_a_thread_sort_while_others_make_some():
    """None is made twice by two of them."""
    made, begin = [], threading.Barrier(8)

    def make():
        begin.wait(20)
        mine = [new_id() for _ in range(5_000)]
        made.append(mine)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 8
    assert all(sorted(mine) == mine for mine in made)
    assert len({one for mine in made for one in mine}) == 40_000


def test_an_id_is_greater_than_all_that_were_made_before_it_began():
    """Whoever hands work from thread to thread may rely on it."""
    latest, wrong, stop = [new_id()], [], threading.Event()

    def make():
        while not stop.is_set():
            seen = latest[0]
            mine = new_id()
            if mine <= seen:
                wrong.append((seen, mine))
            latest[0] = mine

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    stop.wait(0.5)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert wrong == []


def test_a_fork_makes_ids_of_its_own():
    """It has the memory of its parent, and must not go on from there."""
    ids = Ids(lambda: 1_000_000_000)
    os.register_at_fork(after_in_child=ids.forget)
    ids.new()
    ear, mouth = os.pipe()
    child = fork()
    if not child:
        os.write(mouth, "".join([ids.new() for _ in range(100)]).encode())
        os._exit(0)
    os.close(mouth)
    with os.fdopen(ear) as told:
        text = told.read()
    os.waitpid(child, 0)
    theirs = {text[at : at + 36] for at in range(0, len(text), 36)}
    ours = {ids.new() for _ in range(100)}
    assert (len(theirs), len(ours)) == (100, 100)
    assert not theirs & ours


def test_a_fork_makes_ids_though_a_thread_was_just_making_one():
    """The lock of a thread that is no more in the child holds nobody up."""
    ids = Ids(lambda: 1_000_000_000)
    os.register_at_fork(after_in_child=ids.forget)
    with ids._lock:
        child = fork()
        if not child:
            ids.new()
            os._exit(7)
    deadline = time.monotonic() + 20
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, 9)
            pytest.fail("the child hangs")
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 7
