"""Rules of `task_bus_sqlite.file` and `guard`: a file that stays ours, where it is."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_bodies import bodies, send
from sqlite_processes import SPAWN, process, stay
from task_bus_sqlite.file import SqliteFile
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import BusConnectionError, BusContext, BusError, Message, SendError


@pytest.mark.parametrize("linked", [False, True], ids=["file", "link"])
@pytest.mark.parametrize("act", ["unlink", "move", "replace"])
def test_a_file_that_is_no_longer_there_is_told_and_the_new_one_is_used(
    open_bus, path, act, linked
):
    """Whoever goes on with the old one does work that nobody will ever see."""
    real = path
    if linked:  # SQLite's log is beside the file, not beside the link
        real = path.with_name("real.db")
        path.symlink_to(real)
    bus = open_bus()
    consumer, producer = bus.subscribe("load", "load"), bus.producer()
    send(bus, b"1", b"2")
    held = consumer.receive(1, 0)
    match act:
        case "unlink":
            real.unlink()
        case "move":
            real.rename(real.with_name("elsewhere.db"))
        case "replace":
            other = open_bus(path=str(path.with_name("other.db")))
            send(other, b"3")
            other.close()
            path.with_name("other.db").rename(real)
    with pytest.raises(BusConnectionError, match="was removed or replaced") as caught:
        consumer.receive(1, 5)
    assert "\n" not in str(caught.value)
    consumer.settle(held, [Message("done", b"done")])
    send(open_bus(), b"4")
    producer.send([Message("load", b"5")])
    found = [*consumer.receive(9, 1), *consumer.receive(9, 0)]
    assert bodies(found)[-2:] == [b"4", b"5"]
    assert bodies(found)[:-2] == ([b"3"] if act == "replace" else [])
    consumer.ack(found)
    assert bus.depth("done", "x") == 1
    assert open_bus()._file.read("PRAGMA integrity_check") == ("ok",)


def test_a_sender_is_told_too_and_can_send_again(open_bus, path):
    """What was not confirmed was not sent."""
    bus = open_bus()
    producer = bus.producer()
    producer.send([Message("load", b"1")])
    path.unlink()
    with pytest.raises(SendError, match="was removed or replaced") as caught:
        producer.send([Message("load", b"2")])
    assert caught.value.transient
    producer.send([Message("load", b"2")])
    assert open_bus().depth("load", "x") == 1


def test_two_who_lose_their_file_meet_in_the_new_one(open_bus, path):
    """The one who comes later takes nothing away from the other."""
    first, second = open_bus(), open_bus()
    path.unlink()
    for bus in (first, second):
        with pytest.raises(BusConnectionError):
            bus.ping()
        send(bus, b"1")
    first.close()
    assert second.depth("load", "x") == 2
    assert open_bus().depth("load", "x") == 2


@pytest.mark.parametrize("linked", [False, True], ids=["file", "link"])
@pytest.mark.parametrize("act", ["unlink", "replace"])
def test_who_loses_the_file_first_waits_for_another_process(
    open_bus, path, act, linked
):
    """Its map of the old log lies beside the new file until it has looked too."""
    real = path.with_name("real.db") if linked else path
    if linked:
        path.symlink_to(real)
    bus = open_bus()
    mouth, ear = SPAWN.Pipe()
    with process(stay, str(path), ear):
        ear.close()  # so that its end is heard here
        assert mouth.recv() == "here"
        send(bus, b"old")
        _remove(real, act)
        for _ in range(2):
            with pytest.raises(SendError, match="others still use") as caught:
                send(bus, b"1")
            assert caught.value.transient
            assert "\n" not in str(caught.value)
        mouth.send("look")
        assert "was removed or replaced" in mouth.recv()
        with pytest.raises(SendError, match="going on with what is there now"):
            send(bus, b"1")
        send(bus, b"1")
        assert bus.peek("load", 9) == ([b"new", b"1"] if act == "replace" else [b"1"])


def _remove(file, act):
    """Unlink a file, or put another one in its place."""
    if act == "unlink":
        file.unlink()
        return
    other = file.with_name("other.db")
    new = sqlite.open(SqliteOptions(path=str(other)), BusContext())
    send(new, b"new")
    new.close()
    other.rename(file)


@pytest.mark.parametrize("kind", [sqlite3.OperationalError, KeyboardInterrupt])
def test_a_new_file_that_could_not_be_made_ready_is_tried_again(open_bus, path, kind):
    """The disk may be full still: that is why the file was removed."""
    bus = open_bus()
    consumer, set_up = bus.subscribe("load", "load"), bus._file._set_up
    send(bus, b"0")
    (held,) = consumer.receive(1, 0)
    failures = [kind("no"), kind("no"), kind("no")]

    def fail_at_first(file):
        if failures:
            file.read("SELECT 1")
            raise failures.pop()
        set_up(file)

    bus._file._set_up = fail_at_first
    path.unlink()
    calls = (bus.ping, lambda: send(bus, b"1"), lambda: consumer.ack([held]))
    for call in calls:
        with pytest.raises((kind, BusError), match="no"):
            call()
    with pytest.raises(BusConnectionError, match="going on with what is there now"):
        bus.ping()
    send(bus, b"1")
    assert bodies([*consumer.receive(9, 1), *consumer.receive(9, 0)]) == [b"1"]


def test_a_file_that_goes_while_it_is_opened_is_told(open_bus, path, monkeypatch):
    """In one line, as later."""
    original = SqliteFile.read

    def read(self, *rest):
        path.unlink(missing_ok=True)
        return original(self, *rest)

    monkeypatch.setattr(SqliteFile, "read", read)
    with pytest.raises(BusError, match="cannot use"):
        open_bus()
    monkeypatch.undo()
    send(open_bus(), b"1")


def test_a_place_that_is_gone_is_told_until_it_is_back(open_bus, path):
    """Each time in one line."""
    bus = open_bus()
    consumer = bus.subscribe("load", "load")
    shutil.move(path.parent, path.parent.with_name("moved"))
    for call in (bus.topics, bus.ping, lambda: consumer.receive(1, 0)):
        with pytest.raises(BusConnectionError, match="there is no directory"):
            call()
    with pytest.raises(SendError, match="there is no directory") as caught:
        send(bus, b"0")
    assert caught.value.transient
    path.parent.mkdir()
    with pytest.raises(BusConnectionError, match="going on with what is there now"):
        consumer.receive(1, 0)
    assert consumer.receive(1, 0) == ()
    send(bus, b"1")
    assert bodies(consumer.receive(9, 1)) == [b"1"]


@pytest.mark.parametrize("what", ["text", "folder", "other program"])
def test_what_is_no_database_of_tasks_is_told_until_there_is_one(open_bus, path, what):
    """Who had one goes on when it is back; who opens it now ends."""
    bus = open_bus()
    consumer = bus.subscribe("load", "load")
    kept = path.with_name("kept")
    path.rename(kept)
    _put(path, what)
    for call in (bus.topics, bus.ping, lambda: consumer.receive(1, 0)):
        with pytest.raises(BusConnectionError, match="it is|it belongs"):
            call()
    with pytest.raises(BusError) as caught:
        open_bus()
    assert not isinstance(caught.value, BusConnectionError)
    if what == "folder":
        path.rmdir()
    kept.rename(path)
    with pytest.raises(BusConnectionError, match="going on with what is there now"):
        consumer.receive(1, 0)
    send(bus, b"1")
    assert bodies([*consumer.receive(9, 1), *consumer.receive(9, 0)]) == [b"1"]


def _put(path, what):
    """Put something at a place that is no database of tasks."""
    if what == "text":
        path.write_text("no database\n" * 100)
    elif what == "folder":
        path.mkdir()
    else:
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE t (x)")


def test_a_worker_that_changes_its_folder_changes_nothing(
    open_bus, path, tmp_path_factory, monkeypatch
):
    """The file is where it was when the bus was opened."""
    monkeypatch.chdir(path.parent)
    bus = open_bus(path="task.db")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    send(bus, b"1")
    bus.ping()
    assert os.listdir() == []


OPENERS = {
    "open": lambda path: path.open("rb").close(),
    "read": Path.read_bytes,
    "os": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "copy": lambda path: shutil.copy(path, path.with_name("copy")),
    "bytes": lambda path: Path(os.fsdecode(os.fsencode(path))).read_bytes(),
}


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS)
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("linked", [False, True], ids=["file", "link"])
def test_nobody_else_in_the_process_may_open_the_file(
    open_bus, path, opener, suffix, linked
):
    """Closing it would drop SQLite's locks, and the next writer corrupt the file."""
    place = path.with_name("place") if linked else path
    if linked:
        place.symlink_to(path)
    bus = open_bus(path=str(place))
    send(bus, b"1")
    with pytest.raises(PermissionError, match="would lose its locks") as caught:
        opener(Path(f"{path}{suffix}"))
    assert "\n" not in str(caught.value)
    link = path.with_name("link")
    link.symlink_to(f"{path}{suffix}")
    with pytest.raises(PermissionError):
        opener(link)
    bus.close()
    path.read_bytes()


def test_other_files_and_other_processes_are_left_alone(open_bus, path):
    """A copy by another process costs us nothing."""
    bus, other = open_bus(), open_bus()
    bus.close()
    with pytest.raises(PermissionError):
        path.read_bytes()
    beside = path.with_name("other.txt")
    beside.write_text("x")
    code = f"open({str(path)!r}, 'rb').read()"
    subprocess.run([sys.executable, "-c", code], check=True)
    send(other, b"1")
    assert other.depth("load", "x") == 1


def test_only_its_owner_can_read_a_new_file(open_bus, path):
    """Tasks hold names, addresses, sometimes more; the log beside it too."""
    link = path.with_name("link")
    link.symlink_to(path)
    send(open_bus(path=str(link)), b"1")
    for suffix in ("", "-wal", "-shm"):
        assert Path(f"{path}{suffix}").stat().st_mode & 0o777 == 0o600


def test_a_file_is_not_made_by_who_only_looks(path):
    """A mistyped path would be an empty bus, and stay as a file."""
    with pytest.raises(BusError, match="there is no file"):
        sqlite.open(SqliteOptions(path=str(path)), BusContext(create=False))
    assert not path.exists()
