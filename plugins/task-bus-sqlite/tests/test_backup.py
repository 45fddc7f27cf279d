"""Rules of `task_bus_sqlite.backup`."""

import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner
from sqlite_bodies import bodies, send
from task_bus_sqlite import plugin
from task_bus_sqlite.backup import back_up
from task_bus_sqlite.setup import open_file

from task_core.api import BusConnectionError, BusError, UsageError


@pytest.fixture
def copy(path):
    return path.with_name("copy.db")


def test_a_copy_of_a_file_in_use_is_whole_and_of_one_moment(open_bus, path, copy):
    """Each send is in it as a whole or not at all."""
    writer, other = open_bus(), open_bus()  # a bus belongs to one thread
    ended = threading.Event()

    def write():
        while not ended.is_set():
            send(writer, b"1", b"2", b"3")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while other.depth("load", "x") < 30:
            pass
        back_up(str(path), str(copy))
    finally:
        ended.set()
        thread.join()
    bus = open_bus(path=str(copy))
    assert bus._file.read("PRAGMA integrity_check") == ("ok",)
    found = bodies(bus.subscribe("load", "load").receive(10_000, 0))
    assert len(found) >= 30
    assert found == [b"1", b"2", b"3"] * (len(found) // 3)


def test_a_copy_is_one_of_ours_and_shrinks_too(open_bus, path, copy):
    """And nobody else can read it."""
    open_bus().close()
    back_up(str(path), str(copy))
    assert copy.stat().st_mode & 0o777 == 0o600
    file = sqlite3.connect(copy)
    assert file.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    file.close()
    open_bus(path=str(copy)).close()


def test_nothing_is_written_over(open_bus, path, copy):
    """Not even an empty file; and what is missing is not made."""
    open_bus().close()
    copy.touch()
    with pytest.raises(UsageError, match="File exists"):
        back_up(str(path), str(copy))
    with pytest.raises(UsageError, match="it is the file itself"):
        back_up(str(path), str(path))
    with pytest.raises(BusError, match="there is no file"):
        back_up(str(path.with_name("gone.db")), str(path.with_name("new.db")))
    assert not path.with_name("gone.db").exists()
    assert not path.with_name("new.db").exists()


def test_a_failed_copy_leaves_nothing(open_bus, path, copy, monkeypatch):
    """Half a copy would be taken for one."""
    open_bus().close()
    monkeypatch.setattr(
        "task_bus_sqlite.file.SqliteFile.rows",
        lambda *_: (_ for _ in ()).throw(BusError()),
    )
    with pytest.raises(BusError):
        back_up(str(path), str(copy))
    assert not copy.exists()


@pytest.mark.parametrize(
    ("code", "reason"),
    [(sqlite3.SQLITE_FULL, "the disk is full"), (sqlite3.SQLITE_IOERR_WRITE, "failed")],
)
def test_a_disk_that_is_full_is_that_of_the_copy(
    open_bus, path, copy, monkeypatch, code, reason
):
    """The database is only read: who makes room beside it gains nothing."""
    open_bus().close()

    def opened(*args, **more):
        def execute(*_):
            error = sqlite3.OperationalError("no room")
            error.sqlite_errorcode = code
            raise error

        file = open_file(*args, **more)
        file.execute = execute
        return file

    monkeypatch.setattr("task_bus_sqlite.backup.open_file", opened)
    with pytest.raises(BusConnectionError, match=rf"copy\.db': .*{reason}"):
        back_up(str(path), str(copy))
    assert not copy.exists()


def test_a_copy_that_may_not_grow_is_named(open_bus, path, copy):
    """As the system tells it, by a limit on files."""
    send(open_bus(), *[b"x" * 100_000] * 10)
    code = (
        "import resource, sys\n"
        "from task_bus_sqlite.backup import back_up\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))\n"
        "try:\n"
        "    back_up(*sys.argv[1:])\n"
        "except Exception as error:\n"
        "    print(error)\n"
    )
    words = [sys.executable, "-c", code, str(path), str(copy)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert f"cannot use '{copy}': the disk failed" in done.stdout


def test_who_is_killed_on_the_way_leaves_no_half_copy(open_bus, path, copy):
    """The copy has its name when it is whole, not before."""
    send(open_bus(), b"1")
    code = (
        "import os, signal, sys\n"
        "from task_bus_sqlite import backup\n"
        "from task_bus_sqlite.file import SqliteFile\n"
        "rows = SqliteFile.rows\n"
        "def then_die(self, text, *more):\n"
        "    found = rows(self, text, *more)\n"
        "    if text.startswith('VACUUM INTO'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return found\n"
        "SqliteFile.rows = then_die\n"
        "backup.back_up(*sys.argv[1:])\n"
    )
    words = [sys.executable, "-c", code, str(path), str(copy)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not copy.exists()
    back_up(str(path), str(copy))
    assert copy.exists()


def test_a_copy_that_somebody_else_made_meanwhile_stays(
    open_bus, path, copy, monkeypatch
):
    """And nothing else is left beside it."""
    open_bus().close()

    def rows(*_):
        copy.write_text("theirs")

    monkeypatch.setattr("task_bus_sqlite.file.SqliteFile.rows", rows)
    with pytest.raises(UsageError, match="File exists"):
        back_up(str(path), str(copy))
    assert copy.read_text() == "theirs"
    assert not [one for one in copy.parent.iterdir() if one.suffix == ".part"]


def test_the_command_says_what_it_made(open_bus, path, copy):
    """On stderr, as all but data."""
    send(open_bus(), b"1")
    done = CliRunner().invoke(plugin.backup.open(), [str(path), str(copy)])
    assert done.exit_code == 0
    assert f"{copy}: " in done.output
