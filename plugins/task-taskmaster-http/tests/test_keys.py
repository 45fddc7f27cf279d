"""Rules of Idempotency-Key: the same key, the same answer, one task."""

import contextlib
import sqlite3
import threading
from datetime import timedelta

import pytest
from task_store import Claim, StoreAwayError, key_of, open_store

from task_core.api import PayloadError, SendError, Task, encode_task

KEY = {"Idempotency_Key": "order-7"}
TWO = [{"type": "load", "info": "a"}, {"type": "load", "info": "b"}]


def test_the_same_key_gets_the_same_answer_and_one_task(service):
    """However often it is asked."""
    service.start()
    first, second, third = (service.call("/tasks", TWO, **KEY) for _ in range(3))
    assert first[0] == second[0] == third[0] == 202
    assert first[2] == second[2] == third[2]
    assert [task.info for task in service.sent()] == ["a", "b"]


def test_it_is_remembered_after_a_restart(service):
    """The store keeps it."""
    service.start()
    first = service.call("/tasks", {"type": "load"}, **KEY)
    assert len(service.sent()) == 1
    service.stop()
    service.start()
    second = service.call("/tasks", {"type": "load"}, **KEY)
    assert first[2] == second[2]
    assert service.sent() == []


def test_requests_with_one_key_at_the_same_time_send_one_task(service):
    """All get its answer, or are told to ask again."""
    service.start()
    answers = []

    def call():
        answers.append(service.call("/tasks", {"type": "load"}, **KEY))

    threads = [threading.Thread(target=call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {answer[0] for answer in answers} <= {202, 409}
    ids = {answer[2]["id"] for answer in answers if answer[0] == 202}
    assert ids == {task.id for task in service.sent()}
    assert len(ids) == 1


@pytest.mark.parametrize(
    "other", [{"type": "load", "info": "other"}, TWO[:1], [*TWO, TWO[0]]]
)
def test_a_key_is_of_one_request(service, other):
    """Other tasks under it are a mistake of the caller."""
    service.start()
    service.call("/tasks", TWO, **KEY)
    status, _, told = service.call("/tasks", other, **KEY)
    assert status == 422
    assert "this Idempotency-Key was used for other tasks" in told["error"]
    assert len(service.sent()) == 2


def test_what_was_not_confirmed_is_sent_later_under_its_key(service):
    """Who asks again then gets the answer of the first time."""
    errors = [SendError("no space left", [0])]

    def wrap(bus):
        producer = bus.producer()
        send = producer.send

        def fail(messages):
            if errors:
                raise errors.pop()
            send(messages)

        producer.send = fail
        bus.producer = lambda: producer
        return bus

    service.wrap = wrap
    service.start()
    assert service.call("/tasks", {"type": "load"}, **KEY)[0] == 503
    for _ in range(600):
        status, _, told = service.call("/tasks", {"type": "load"}, **KEY)
        if status == 202:
            break
        assert status == 409
        threading.Event().wait(0.1)
    assert [told["id"]] == [task.id for task in service.sent()]


def test_what_is_refused_is_never_sent_and_its_key_is_free(service):
    """Not a part of it later, nor is it "being sent" for ever."""

    def wrap(bus):
        producer = bus.producer()
        send = producer.send

        def picky(messages):
            bad = [at for at, it in enumerate(messages) if " " in it.topic]
            if bad:
                raise PayloadError("'load it' is no topic", bad)
            send(messages)

        producer.send = picky
        bus.producer = lambda: producer
        return bus

    service.wrap = wrap
    service.start()
    tasks = [{"type": "load", "info": "a"}, {"type": "load it", "info": "b"}]
    for _ in range(2):
        status, _, told = service.call("/tasks", tasks, **KEY)
        assert (status, told["error"]) == (422, "'load it' is no topic")
        store = open_store(str(service.folder / "http.store.db"))
        assert store.pending() == 0
        store.close()
    assert service.sent() == []
    assert service.call("/tasks", TWO, **KEY)[0] == 202
    assert [task.info for task in service.sent()] == ["a", "b"]


def test_what_a_killed_one_has_claimed_is_sent_by_the_next(service):
    """With the bytes that the first would have sent."""
    store = open_store(str(service.folder / "http.store.db"), lease=0.01)
    task = Task.new("load", "a")
    store.claim(
        [Claim(f"{key_of('http', '', 'order-7')}/0", "load", encode_task(task))]
    )
    store.close()
    service.start()
    for _ in range(300):
        if found := service.sent():
            break
        threading.Event().wait(0.1)
    assert found == [task]
    asked = service.call("/tasks", {"type": "load", "info": "a"}, **KEY)
    assert (asked[0], asked[2]["id"]) == (202, task.id)


def test_without_its_store_nothing_with_a_key_is_sent(service, monkeypatch):
    """Other requests are; the one with a key may come again."""
    service.start(wait=timedelta(seconds=60))

    def away(self, claims):
        raise StoreAwayError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr("task_store.store.Store.claim", away)
        status, _, told = service.call("/tasks", {"type": "load"}, **KEY)
        assert (status, "cannot be looked up" in told["error"]) == (503, True)
        assert service.call("/tasks", {"type": "load"})[0] == 202
    assert service.call("/tasks", {"type": "load"}, **KEY)[0] == 202
    assert len(service.sent()) == 2


def test_while_its_store_can_only_be_read_what_has_no_key_is_sent(service, monkeypatch):
    """As after a failover, on a full disk, or while another one writes and writes."""
    monkeypatch.setattr("task_store.engine.BUSY", 0.05)
    path = str(service.folder / "http.store.db")
    store = open_store(path)
    store.check()
    store.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        service.start(wait=timedelta(seconds=30))
        assert service.call("/tasks", {"type": "load"})[0] == 202
        assert service.call("/tasks", {"type": "load"}, **KEY)[0] == 503
        other.execute("ROLLBACK")
    assert service.call("/tasks", {"type": "load"}, **KEY)[0] == 202
    assert len(service.sent()) == 2


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_a_length(service, key):
    """A wrong one is told."""
    service.start()
    status, _, told = service.call("/tasks", {"type": "load"}, Idempotency_Key=key)
    assert (status, told["error"]) == (
        400,
        "the header Idempotency-Key has 1 to 200 characters",
    )


def test_two_instances_with_one_store_send_one_task(service, other):
    """Whichever gets the request, and its repetition."""
    service.start()
    other.start()
    answers = []

    def call(one):
        answers.append(one.call("/tasks", {"type": "load"}, **KEY))

    callers = [threading.Thread(target=call, args=(it,)) for it in (service, other)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    ids = {answer[2]["id"] for answer in answers if answer[0] == 202}
    assert {answer[0] for answer in answers} <= {202, 409}
    assert len(ids) == 1
    assert ids == {task.id for task in service.sent()}
