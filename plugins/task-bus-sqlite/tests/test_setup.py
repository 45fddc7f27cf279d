"""Rules of `task_bus_sqlite.setup`: which files are taken, which refused."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite
from task_bus_sqlite.schema import APPLICATION_ID, LADDER, VERSION
from task_bus_sqlite.setup import open_file

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.errors import BusConnectionError, BusError, SendError

NOBODY = 65534
HOLDER = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute("PRAGMA locking_mode = " + sys.argv[2])
file.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


def open_bus(path, **options):
    return sqlite.open(SqliteOptions(path=str(path), **options), BusContext())


def refusal(path):
    """The one line that opening raises, after its fixed beginning."""
    with pytest.raises(BusError) as caught:
        open_file(str(path), "normal", 0.1)
    text = str(caught.value)
    begin = f"bus 'sqlite': cannot use '{path}': "
    assert text.startswith(begin)
    assert "\n" not in text
    return text.removeprefix(begin)


@contextlib.contextmanager
def held(path, mode="NORMAL"):
    """Another program holds the file locked."""
    command = [sys.executable, "-c", HOLDER, str(path), mode]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.stdin.close()


@contextlib.contextmanager
def without_rights(folder):
    """As a user who is not root, to whom file modes mean something."""
    if os.geteuid():
        yield
        return
    shutil.chown(folder, NOBODY)
    for file in folder.iterdir():
        shutil.chown(file, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public():
    """A directory that everybody can reach."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        Path(name).chmod(0o700)


def test_a_new_file_is_made_and_marked_as_ours(path):
    """So that `file` and we know it again."""
    open_bus(path).close()
    file = sqlite3.connect(path)
    assert file.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert file.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    file.close()


def test_an_empty_file_is_taken(path):
    """`touch` and `mktemp` make such."""
    path.touch()
    open_bus(path).close()


@pytest.mark.parametrize(("sync", "level"), [("normal", 1), ("full", 2)])
def test_sync_says_what_a_commit_waits_for(path, sync, level):
    """The operating system, or the disk."""
    file = open_file(str(path), sync, 1)
    assert file.read("PRAGMA synchronous") == (level,)
    file.close()


def test_an_older_file_is_migrated_with_all_that_is_in_it(path):
    """From the first version, which knew no retention."""
    old = sqlite3.connect(path)
    for statement in LADDER[0]:
        old.execute(statement)
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    old.execute("PRAGMA user_version = 1")
    old.execute("INSERT INTO topics VALUES (1, 'load')")
    old.execute("INSERT INTO messages VALUES ((1 << 40) + 1, 0, NULL, x'616263')")
    old.commit()
    old.close()
    bus = open_bus(path, keep=timedelta(hours=1))
    consumer = bus.subscribe("load", "load")
    (delivery,) = consumer.receive(9, 0)
    assert delivery.body == b"abc"
    consumer.ack([delivery])
    assert bus._file.read("PRAGMA user_version") == (VERSION,)
    bus.close()


def test_a_newer_file_is_refused_and_not_touched(path):
    """An older program cannot know what it would break."""
    open_bus(path).close()
    file = sqlite3.connect(path)
    file.execute(f"PRAGMA user_version = {VERSION + 1}")
    file.close()
    before = path.read_bytes()
    assert "a newer task wrote it" in refusal(path)
    assert "upgrade task-framework" in refusal(path)
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_refused_and_not_touched(path):
    """A typing error must not add tables to somebody's data."""
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE theirs (id)")
    file.close()
    before = path.read_bytes()
    assert "belongs to another program" in refusal(path)
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused_and_not_touched(path):
    """Also when it is long enough to be one."""
    path.write_bytes(b"no database\n" * 1000)
    assert "is no SQLite file" in refusal(path)
    assert path.read_bytes() == b"no database\n" * 1000


def test_a_corrupt_file_is_told_in_one_line(path):
    """When opening or at the first message, whichever meets the damage."""
    bus = open_bus(path)
    bus.producer().send([Message("load", b"x" * 500)] * 500)
    bus.close()
    content = path.read_bytes()
    path.write_bytes(content[:2048] + b"\xa5" * (len(content) - 2048))
    with (
        pytest.raises(BusError, match="it is corrupt") as caught,
        contextlib.closing(open_bus(path)) as damaged,
    ):
        damaged.subscribe("load", "load").receive(1, 0)
    assert "\n" not in str(caught.value)


def test_a_directory_is_refused(tmp_path):
    """It is the most common slip."""
    assert "is a directory" in refusal(tmp_path)


def test_a_missing_directory_is_named(tmp_path):
    """Which one to make."""
    assert f"no directory '{tmp_path}/no'" in refusal(tmp_path / "no" / "task.db")


def test_a_read_only_file_is_refused(public):
    """Before anything is tried."""
    path = public / "task.db"
    open_bus(path).close()
    path.chmod(0o444)
    with without_rights(public):
        assert "read-only" in refusal(path)


def test_a_file_that_may_not_be_read_is_told(public):
    """It is not that it may only be read."""
    path = public / "task.db"
    open_bus(path).close()
    path.chmod(0)
    with without_rights(public):
        assert "may not read it" in refusal(path)


def test_a_read_only_directory_is_refused(public):
    """SQLite writes its log beside the file."""
    path = public / "task.db"
    open_bus(path).close()
    with without_rights(public):
        public.chmod(0o555)
        assert f"directory '{public}' is read-only" in refusal(path)


@pytest.mark.parametrize("made", [False, True])
def test_a_file_that_another_program_holds_is_told(path, made):
    """After some patience, at opening."""
    if made:
        open_bus(path).close()
    with held(path, "EXCLUSIVE"):
        assert "another program has held it locked for 0.1s" in refusal(path)


def test_a_lock_during_work_delays_and_then_is_told(path):
    """Nothing is lost: when it ends, all is as it was."""
    bus = open_bus(path, patience=timedelta(seconds=0.2))
    consumer, producer = bus.subscribe("load", "load"), bus.producer()
    producer.send([Message("load", b"1")])
    with held(path):
        assert consumer.receive(1, 0.05) == ()
        with pytest.raises(BusConnectionError, match="held it locked"):
            consumer.receive(1, 10)
        with pytest.raises(SendError, match="held it locked") as caught:
            producer.send([Message("load", b"2"), Message("load", b"3")])
        assert caught.value.unsent == (0, 1)
    assert [d.body for d in consumer.receive(9, 5)] == [b"1"]
    bus.close()


def test_a_short_lock_is_waited_for(path):
    """Patience is longer than what a neighbour needs."""
    bus = open_bus(path)
    with contextlib.ExitStack() as stack:
        stack.enter_context(held(path))
        sender = subprocess.Popen(
            [sys.executable, "-c", _SEND, str(path)], stdout=subprocess.PIPE
        )
        assert sender.stdout.readline() == b"sending\n"
        stack.pop_all().close()
    assert sender.wait(10) == 0
    sender.stdout.close()
    assert bus.depth("load", "x") == 1
    bus.close()


_SEND = """
import sys
from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite
bus = sqlite.open(SqliteOptions(path=sys.argv[1]), BusContext())
print("sending", flush=True)
bus.producer().send([Message("load", b"1")])
"""


def test_a_full_disk_is_told_and_loses_nothing(path):
    """Neither what is there nor what is in work."""
    bus = open_bus(path)
    consumer, producer = bus.subscribe("load", "load"), bus.producer()
    producer.prepare(["done"])
    producer.send([Message("load", b"1"), Message("load", b"2")])
    (held,) = consumer.receive(1, 0)
    pages = bus._file.read("PRAGMA page_count")[0]
    bus._file.read(f"PRAGMA max_page_count = {pages}")
    large = [Message("done", b"x" * 100_000)]
    with pytest.raises(SendError, match="the disk is full"):
        producer.send(large)
    with pytest.raises(SendError, match="the disk is full"):
        consumer.settle([held], large)
    bus._file.read("PRAGMA max_page_count = 1000000")
    assert bus.depth("done", "x") == 0
    consumer.settle([held], large)
    assert bus.depth("done", "x") == 1
    assert [d.body for d in consumer.receive(9, 0)] == [b"2"]
    bus.close()


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/dev/null", "it is no regular file"),
        ("a\0b", "a path cannot hold the character NUL"),
    ],
)
def test_what_can_be_no_file_is_refused_in_one_line(path, problem):
    """`sqlite:///dev/null`, `sqlite:///tmp/a%00b`."""
    with pytest.raises(BusError, match=problem) as caught:
        open_bus(path)
    assert str(caught.value).isprintable()


def test_the_login_of_a_url_is_not_shown(tmp_path):
    """Whoever takes the bus for a server."""
    with pytest.raises(BusError, match="there is no directory") as caught:
        open_bus("user:secret@host/task.db")
    assert "secret" not in str(caught.value)
