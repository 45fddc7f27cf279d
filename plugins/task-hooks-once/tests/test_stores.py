"""Every store keeps the same promises, against the real thing."""

import contextlib
import gc
import os
import sqlite3
import threading
import time
import uuid

import pytest
from task_hooks_once.once import make
from task_hooks_once.options import OnceOptions
from task_hooks_once.store import Record, StoreError
from task_hooks_once.stores import open_store

from task_core.api import Task

LONG = 600.0


@pytest.fixture(scope="module", params=["sqlite", "redis", "postgres"])
def url(request, tmp_path_factory):
    """The URL of a store that runs."""
    if request.param == "sqlite":
        return f"sqlite://{tmp_path_factory.mktemp('once')}/once.db"
    return request.getfixturevalue(request.param).url


@pytest.fixture
def opened(url):
    """Two who use one store."""
    stores = [open_store(url), open_store(url)]
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def key():
    return f"run load {uuid.uuid4()}"


def mine(owner="a", id="1", *, done=False):
    return Record(owner, id, done)


def test_one_of_two_takes_a_key(opened, key):
    """The other one sees who has it."""
    first, second = opened
    assert first.take(key, mine("a"), LONG) is None
    assert second.take(key, mine("b"), LONG) == mine("a")
    assert first.take(key, mine("a"), LONG) == mine("a")


def test_a_record_is_gone_when_its_time_is_over(opened, key):
    """Whoever wrote it may be dead."""
    first, second = opened
    assert first.take(key, mine("a"), 0.1) is None
    ends = time.monotonic() + 30
    while second.take(key, mine("b"), LONG) is not None:
        assert time.monotonic() < ends
        time.sleep(0.02)
    assert first.take(key, mine("a"), LONG) == mine("b")


def test_what_is_renewed_stays(opened, key):
    """And only for its owner."""
    first, second = opened
    first.take(key, mine("a"), 30)
    first.renew([key, f"{key} other"], "a", LONG)
    second.renew([key], "b", 0.001)
    time.sleep(0.05)
    assert second.take(key, mine("b"), LONG) == mine("a")
    first.renew([key], "a", 0.001)
    time.sleep(0.05)
    assert second.take(key, mine("b"), LONG) is None


def test_what_is_done_is_not_renewed(opened, key):
    """Its time is that of the window."""
    first, second = opened
    first.put(key, mine("a", done=True), LONG)
    first.renew([key], "a", 0.001)
    time.sleep(0.05)
    assert second.take(key, mine("b"), LONG) == mine("a", done=True)


def test_a_lock_becomes_a_note_that_it_is_done(opened, key):
    """In place of it, and also when it had ended."""
    first, second = opened
    first.take(key, mine("a"), LONG)
    first.put(key, mine("a", done=True), LONG)
    assert second.take(key, mine("b"), LONG) == mine("a", done=True)
    first.put(f"{key} ended", mine("a", done=True), LONG)
    assert second.take(f"{key} ended", mine("b"), LONG) == mine("a", done=True)


def test_nobody_writes_over_another_owner(opened, key):
    """Who lost a lock must not end that of the next one."""
    first, second = opened
    first.take(key, mine("a"), LONG)
    second.put(key, mine("b", done=True), LONG)
    second.drop(key, "b")
    assert second.take(key, mine("c"), LONG) == mine("a")
    first.drop(key, "a")
    assert second.take(key, mine("c"), LONG) is None


def test_any_text_of_a_task_is_kept(url):
    """It comes from anybody: its kind is known again, and so is its id."""
    hooks = make(OnceOptions(store=url, types=("load",)))
    info = f"{uuid.uuid4()} \0"
    first, again, other = (Task(type="load", info=info, id=it) for it in "\0\0a")
    assert hooks.task_should_run(task=first) is None
    assert hooks.task_should_run(task=again).kind == "later"
    assert hooks.task_should_run(task=other).kind == "complete"
    assert hooks.task_claim_send(task=first, topic="load", seconds=LONG) == ""
    assert hooks.task_claim_send(task=other, topic="load", seconds=LONG)
    hooks.launcher_stopped(stats={})


def test_of_many_at_the_same_time_one_takes_a_key(url, key):
    """Whatever the threads do."""
    stores = [open_store(url) for _ in range(4)]
    start, taken = threading.Barrier(8), []

    def take(number):
        start.wait()
        if stores[number % 4].take(key, mine(str(number)), LONG) is None:
            taken.append(number)

    threads = [threading.Thread(target=take, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    for store in stores:
        store.close()


def test_a_forked_child_begins_anew(url, key):
    """With a connection of its own; the parent's goes on."""
    store = open_store(url)
    store.take(key, mine("a"), LONG)
    child = os.fork()
    if not child:
        os._exit(0 if store.take(key, mine("b"), LONG) == mine("a") else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.take(key, mine("b"), LONG) == mine("a")
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///no/such/folder/once.db",
        "redis://localhost:1",
        "postgres://nobody:hush@localhost:1/x",
    ],
)
def test_a_store_that_is_away_is_an_error_of_ours(url):
    """No driver's."""
    store = open_store(url)
    with pytest.raises(StoreError, match="cannot be used") as error:
        store.take("key", mine(), LONG)
    assert "hush" not in str(error.value)
    store.close()


@pytest.mark.parametrize("what", ["no database", "locked"])
def test_a_file_that_cannot_be_used_costs_no_descriptors(what, tmp_path, monkeypatch):
    """Tasks come back every few seconds while it is so."""
    monkeypatch.setattr("task_hooks_once.sqlite_store.BUSY", 0.01)
    path = tmp_path / "once.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        if what == "locked":
            other.execute("BEGIN EXCLUSIVE")
        else:
            path.write_text("name,age\n" * 1000)
        store = open_store(f"sqlite://{path}")
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            with pytest.raises(StoreError, match="cannot be used"):
                store.take("key", mine(), LONG)
        assert len(os.listdir("/proc/self/fd")) <= before + 2  # SQLite keeps one
        store.close()


def test_ended_records_are_swept_out(tmp_path):
    """A file does not grow for ever."""
    path = tmp_path / "once.db"
    for name in ("a", "b"):
        store = open_store(f"sqlite://{path}")
        store.take(name, mine(), 0.001)
        store.close()
        time.sleep(0.01)
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT key FROM once").fetchall()
    database.close()
    assert rows == [("b",)]


def test_a_store_that_is_dropped_closes_its_connection(tmp_path):
    """A client of a program has no end that a hook would hear of."""
    store = open_store(f"sqlite://{tmp_path}/once.db")
    store.take("a", mine(), 1)
    connection = store._holder.held
    del store
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
