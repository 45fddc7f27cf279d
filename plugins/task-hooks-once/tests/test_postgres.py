"""What only the store PostgreSQL has to bear: answers that are lost, or never come."""

import threading
import time
import uuid
from urllib.parse import quote

import psycopg
import pytest
from brokers.postgres import Postgres
from task_hooks_once.once import make
from task_hooks_once.options import OnceOptions
from task_hooks_once.store import Record, StoreError
from task_hooks_once.stores import open_store

from task_core.api import Task

LONG = 600.0


@pytest.fixture
def lose_answer(monkeypatch):
    """Return what has the next answer of a server lost, with its connection.

    All that come after it take a while, as on a machine that is busy.
    """
    execute, losses = psycopg.Connection.execute, []
    lost = threading.Event()

    def lossy(self, *words, **more):
        cursor = execute(self, *words, **more)
        if losses:
            losses.pop()
            lost.set()
            self.close()
            raise psycopg.OperationalError("the answer is lost")
        if lost.is_set():
            time.sleep(0.05)
        return cursor

    monkeypatch.setattr(psycopg.Connection, "execute", lossy)
    return lambda: losses.append(1)


@pytest.fixture
def sending(postgres):
    """Hooks that remember what was sent."""
    hooks = make(OnceOptions(store=postgres.url))
    hooks.task_claim_send(task=new(), topic="load", seconds=LONG)  # so it is connected
    yield hooks
    hooks._store.close()


def new():
    return Task.new("load", str(uuid.uuid4()))


def test_a_claim_whose_answer_was_lost_is_ones_own(sending, lose_answer):
    """Nobody else has sent it, and nobody would."""
    task = new()
    lose_answer()
    assert sending.task_claim_send(task=task, topic="load", seconds=LONG) == ""
    assert sending.task_claim_send(task=task, topic="load", seconds=LONG) == task.id
    sending.task_send_failed(task=task, topic="load")
    assert sending.task_claim_send(task=task, topic="load", seconds=LONG) == ""


def test_a_task_that_was_sent_before_is_refused_when_an_answer_is_lost(
    sending, lose_answer
):
    """Also the very same one: this is not what was written just now."""
    task = new()
    assert sending.task_claim_send(task=task, topic="load", seconds=LONG) == ""
    lose_answer()
    assert sending.task_claim_send(task=task, topic="load", seconds=LONG) == task.id


@pytest.mark.usefixtures("postgres")  # it tells whether there is one
def test_a_server_that_is_frozen_is_away_and_comes_back(monkeypatch):
    """Its machine confirms what it is sent; all who wait hear it at once."""
    monkeypatch.setattr("task_hooks_once.postgres_store.SECONDS", 2)
    monkeypatch.setattr("task_hooks_once.postgres_store.GRACE", 0.1)
    told = []

    def take(key):
        try:
            store.take(key, Record("a", "1", done=False), LONG)
        except StoreError as error:
            told.append(str(error))

    with Postgres() as server:
        store = open_store(server.url)
        store.take("before", Record("a", "1", done=False), LONG)
        server.pause()
        try:
            threads = [threading.Thread(target=take, args=(str(n),)) for n in range(9)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            store.close()
        finally:
            server.resume()
        assert len(told) == 9
        assert all("cannot be used" in text for text in told)
        assert any("it has not answered for 2.1s" in text for text in told)
        ends = time.monotonic() + 60
        while told and time.monotonic() < ends:
            told.clear()
            take("after")
        assert told == []
        store.close()


def test_options_of_the_url_are_kept(postgres):
    """Beside the limit of ours."""
    schema = f"once_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        mark = "&" if "?" in postgres.url else "?"
        options = quote(f"-c search_path={schema}")
        store = open_store(f"{postgres.url}{mark}options={options}")
        store.take("key", Record("a", "1", done=False), LONG)
        limit = store._holder.get().execute("SHOW statement_timeout").fetchone()
        store.close()
        rows = connection.execute(f"SELECT key FROM {schema}.task_once".encode())
        assert (rows.fetchall(), limit) == ([("key",)], ("5s",))
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
