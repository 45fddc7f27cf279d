"""A store that cannot be used says so in one line, with what to do."""

import contextlib
import os
import sqlite3
import subprocess
import sys

import pytest
from brokers.postgres import Postgres
from brokers.proxy import Proxy
from task_store import Claim, StoreAwayError, StoreError, open_store
from task_store.schema import VERSION
from task_store.waiting import with_beat


def one_line(error):
    text = str(error.value)
    assert "\n" not in text
    return text


def again(act):
    """Do something until the store is back."""
    while True:
        try:
            return act()
        except StoreAwayError:
            continue


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "", "sqlite:", ":memory:", "postgresql://x:y:z/t", "a\0b"]
)
def test_what_is_no_place_is_refused_with_what_would_be_one(url):
    """Before anything is done."""
    with pytest.raises(StoreError, match="a path, sqlite:PATH, or postgresql://"):
        open_store(url)


def test_options_of_a_file_are_refused(tmp_path):
    """They would be a part of its name."""
    with pytest.raises(StoreError, match="leave out what follows the '\\?'"):
        open_store(f"sqlite:{tmp_path}/a.db?mode=ro")
    assert open_store(f"sqlite:{tmp_path}/a.db%3Fmode").name.endswith("/a.db?mode")


@pytest.mark.parametrize(
    "shape",
    ["a.db", "sqlite:a.db", "sqlite://a.db", "sqlite://{}/a.db", "sqlite:///{}/a.db"],
)
def test_a_file_may_be_named_as_that_of_a_bus(shape, tmp_path, monkeypatch):
    """Three slashes begin at the root, as there; so do four, as others write it."""
    monkeypatch.chdir(tmp_path)
    store = open_store(shape.format(tmp_path))
    assert store.name == f"store {tmp_path}/a.db"
    assert not store.shared


def test_a_password_is_never_told(open_):
    """An error is for logs."""
    store = open_("postgresql://ada:hunter2@127.0.0.1:1/tasks")
    assert store.shared
    with pytest.raises(
        StoreAwayError, match="127.0.0.1:1/tasks: it cannot be"
    ) as error:
        store.check()
    assert "hunter2" not in one_line(error) + store.name


def test_a_folder_that_is_not_there_is_told(tmp_path, open_):
    """With the path."""
    with pytest.raises(StoreError, match="nowhere/a.db: it cannot be opened") as error:
        open_(str(tmp_path / "nowhere" / "a.db")).check()
    assert not isinstance(error.value, StoreAwayError), one_line(error)


def test_a_read_only_file_is_told(tmp_path, open_):
    """At the first write, in one line."""
    path = tmp_path / "a.db"
    first = open_store(str(path))
    first.check()
    first.close()
    told = "name a file that may be written to"
    with read_only(path), pytest.raises(StoreError, match=told):
        open_(str(path)).claim([Claim("k", "load", b"")])


@contextlib.contextmanager
def read_only(path):
    """Make a file read-only; for root, who may write to all others, as an attribute."""
    if os.getuid():
        path.chmod(0o400)
        yield
        return
    done = subprocess.run(["chattr", "+i", path], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("here no file can be made read-only for root")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


def test_a_file_of_another_program_is_left_alone(tmp_path, open_):
    """It may be anybody's data."""
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customers (name)")
    connection.close()
    with pytest.raises(StoreError, match="it belongs to another program"):
        open_(str(path)).check()


@pytest.mark.parametrize("what", ["removed", "replaced", "moved"])
def test_a_file_that_is_no_longer_there_is_told_and_the_new_one_is_used(
    what, tmp_path, open_, caplog
):
    """Nobody would ever see what is written to the old one."""
    path = tmp_path / "a.db"
    store = open_(str(path))
    assert store.claim([Claim("k", "load", b"1")]) == [True]
    if what == "moved":
        path.rename(tmp_path / "b.db")
    elif what == "removed":
        path.unlink()
    else:
        other = open_store(str(tmp_path / "other.db"))
        other.check()
        other.close()
        (tmp_path / "other.db").replace(path)
    with pytest.raises(StoreAwayError, match="was removed or replaced") as error:
        store.check()
    one_line(error)
    assert "was removed or replaced" in caplog.text
    assert store.claim([Claim("k", "load", b"1")]) == [True]
    assert open_(str(path)).claim([Claim("k", "load", b"1")]) == [False]


def test_what_is_no_database_is_told(tmp_path, open_):
    """Somebody has mistyped a path."""
    (tmp_path / "a.csv").write_text("name,age\n" * 100)
    with pytest.raises(StoreError, match="it is no SQLite file: name another one"):
        open_(str(tmp_path / "a.csv")).check()


def test_tables_of_a_newer_program_are_refused(url, open_):
    """Its rows may mean something else."""
    from sqlalchemy import text

    store = open_(url)
    with store._database.writing() as connection:
        connection.execute(text("UPDATE task_store_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=f"9999, this one knows {VERSION}.: update"):
        open_(url).check()


@pytest.mark.parametrize("steps", [False, True], ids=["at once", "by steps"])
def test_tables_are_made_as_they_are_described(url, open_, steps):
    """What queries ask for, what a new store gets and what steps make is the same."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from task_store.schema import upgrade
    from task_store.tables import METADATA, VERSION_TABLE

    store = open_(url)
    if steps:
        with store._database._engine.begin() as connection:
            upgrade(connection)
    with store._database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE}
        )
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_heads() == (VERSION,)


def test_tables_of_an_older_program_are_brought_up_to_date(url, open_):
    """What is in them stays."""
    from sqlalchemy import text

    store = open_(url)
    store.claim([Claim("k", "load", b"1")])
    with store._database.writing() as connection:
        connection.execute(text("DROP INDEX task_join_fired_expires"))
        connection.execute(text("UPDATE task_store_version SET version_num = '0001'"))
    store.close()
    newer = open_(url)
    assert newer.find(["k"])["k"].claim.body == b"1"
    with newer._database.reading() as connection:
        look = text("SELECT version_num FROM task_store_version")
        assert connection.execute(look).scalar() == VERSION


def test_a_file_that_others_lock_is_away_and_comes_back(tmp_path, open_, monkeypatch):
    """What was to be claimed is claimed then."""
    monkeypatch.setattr("task_store.engine.BUSY", 0.1)
    store = open_(str(tmp_path / "a.db"))
    store.check()
    blocker = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAwayError, match="others write to it without an end"):
        store.claim([Claim("k", "load", b"")])
    blocker.execute("ROLLBACK")
    blocker.close()
    assert store.claim([Claim("k", "load", b"")]) == [True]


def test_a_server_that_is_killed_is_away_and_comes_back(open_):
    """Claims that it confirmed are there, and connections are made anew."""
    with Postgres() as server:
        store = open_(server.url)
        assert store.claim([Claim("a", "load", b"")]) == [True]
        server.kill()
        for _ in range(2):
            with pytest.raises(StoreAwayError) as error:
                store.claim([Claim("b", "load", b"")])
            assert one_line(error)
        server.start()
        ours = again(lambda: store.claim([Claim(it, "load", b"") for it in "ab"]))
        assert ours == [False, True]


def test_a_server_that_is_frozen_is_away_and_comes_back(open_, monkeypatch):
    """Its machine confirms what it is sent; signs of life are given meanwhile."""
    monkeypatch.setattr("task_store.engine.GRACE", 0.1)
    beats = []
    with Postgres() as server:
        store = open_(f"{server.url}?timeout=1")
        assert store.claim([Claim("a", "load", b"")]) == [True]
        server.pause()
        try:
            told = "cannot be reached .it has not answered for 1.1s"
            waiting, away = with_beat(lambda: beats.append(1)), StoreAwayError
            with waiting, pytest.raises(away, match=told) as error:
                store.claim([Claim("b", "load", b"")])
            assert one_line(error)
            with pytest.raises(StoreAwayError, match="timeout") as error:
                store.claim([Claim("b", "load", b"")])  # nobody lets it connect
            assert one_line(error)
        finally:
            server.resume()
        assert len(beats) > 2
        ours = again(lambda: store.claim([Claim(it, "load", b"") for it in "ab"]))
        assert ours == [False, True]


def test_a_statement_may_not_take_longer_than_the_url_says(new_database, open_):
    """The server ends it, and the connection is good for the next one."""
    from sqlalchemy import text

    store = open_(f"{new_database()}?timeout=0.2")
    told = pytest.raises(StoreAwayError, match="canceling statement")
    with told, store._database.writing() as connection:
        connection.execute(text("SELECT pg_sleep(60)"))
    assert store.claim([Claim("a", "load", b"")]) == [True]


@pytest.mark.parametrize("seconds", ["soon", "0", "inf", "-1"])
def test_a_limit_that_is_no_time_is_refused(seconds):
    """Before anything waits for ever."""
    url = f"postgresql://ada:hunter2@localhost/tasks?timeout={seconds}"
    with pytest.raises(StoreError, match=f"a number of seconds, not '{seconds}'"):
        open_store(url)


def test_a_connection_that_is_cut_costs_one_call(server, new_database, open_):
    """The next one connects anew."""
    from brokers.ports import split

    url = new_database()
    address = server.address
    with Proxy(address) as proxy:
        store = open_(url.replace(address, proxy.address))
        store.claim([Claim("a", "load", b"")])
        proxy.cut()
        with pytest.raises(StoreAwayError):
            store.claim([Claim("b", "load", b"")])
        assert store.claim([Claim("b", "load", b"")]) == [True]
    assert split(address)


def test_who_may_not_log_in_is_told_so(server, open_):
    """Waiting would not help."""
    url = f"postgresql://nobody@{server.address}/postgres"
    with pytest.raises(StoreError, match="give user and password in the URL") as error:
        open_(url).check()
    assert not isinstance(error.value, StoreAwayError)


def test_nothing_is_loaded_for_those_who_have_no_store():
    """Nor Alembic for those whose tables are new, or as they should be."""
    program = (
        "import sys, task_store\n"
        "assert not {'sqlalchemy', 'alembic', 'psycopg'} & set(sys.modules)\n"
        "import tempfile, os\n"
        "path = os.path.join(tempfile.mkdtemp(), 'a.db')\n"
        "for _ in range(2):\n"
        "    store = task_store.open_store(path)\n"
        "    store.check()\n"
        "    store.close()\n"
        "assert not {'alembic', 'psycopg'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_claim_waits_for_the_disk_and_a_mark_does_not(tmp_path, monkeypatch):
    """A lost claim would be another task; a lost mark costs the same bytes again."""
    levels = []

    class Spy(sqlite3.Connection):
        def commit(self):
            levels.append(self.execute("PRAGMA synchronous").fetchone()[0])
            super().commit()

    connect = sqlite3.connect
    monkeypatch.setattr(
        "sqlite3.dbapi2.connect", lambda *a, **k: connect(*a, factory=Spy, **k)
    )
    store = open_store(str(tmp_path / "s.db"))
    store.check()
    levels.clear()
    for key in ("k1", "k2"):
        store.claim([Claim(key, "load", b"1")])
        store.sent([key])
    store.close()
    normal, full = 1, 2
    assert levels == [full, normal, full, normal]
