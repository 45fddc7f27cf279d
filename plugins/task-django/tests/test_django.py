"""A Django project enqueues tasks on a bus: the real Django."""

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta

import django
import pytest
from django.conf import settings

if not settings.configured:
    settings.configure(
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
        },
        TASKS={
            "default": {
                "BACKEND": "task_django.backend.TaskBackend",
                "QUEUES": ["default", "mail"],
            }
        },
        USE_TZ=True,
    )
    django.setup()

try:
    from django.tasks import task, task_backends
except ImportError:
    from django_tasks import task, task_backends
from django.db import transaction
from task_django.backend import TaskBackend
from task_django.runs import Runs
from task_django.tasks import InvalidTask, task_enqueued
from task_testing import run_worker

from task_core.api import OptionError, Task


@task
def charge(order, **more):
    """Is enqueued."""


@task(takes_context=True)
def whichever(context):
    return context.attempt


@pytest.fixture(autouse=True)
def bus(task_client):
    """The backend uses the bus of the test: the fixture says so in the environment."""
    return task_client


def sent(bus):
    return [json.loads(it.task.info) for it in bus.sent]


def test_what_is_enqueued_is_on_the_bus(bus):
    """Confirmed, with what is to be called; the result says so."""
    heard = []

    def hear(task_result, **more):
        heard.append(task_result)

    task_enqueued.connect(hear)
    result = charge.enqueue(7, shop="ä")
    task_enqueued.disconnect(hear)
    assert heard == [result]
    found = bus.assert_sent("django", topic="default", id=result.id, count=1)
    call = json.loads(found.info)
    assert call["task"].endswith("charge")
    assert (call["args"], call["kwargs"]) == ([7], {"shop": "ä"})
    assert result.status == "READY"
    assert result.enqueued_at


def test_a_queue_is_a_topic(bus):
    """A launcher reads one of them."""
    charge.using(queue_name="mail").enqueue(1)
    bus.assert_sent("django", topic="mail", count=1)
    with pytest.raises(InvalidTask):
        charge.using(queue_name="nobody's")


def test_in_a_transaction_it_waits_for_the_commit(bus):
    """A worker must not look for what is not there yet."""
    with transaction.atomic():
        result = charge.enqueue(1)
        bus.assert_nothing_sent()
        assert result.enqueued_at is None
    bus.assert_sent("django", count=1)
    assert result.enqueued_at


def test_what_is_rolled_back_is_not_sent(bus):
    """Nobody knows of it."""
    with transaction.atomic():
        charge.enqueue(1)
        transaction.set_rollback(True)
    bus.assert_nothing_sent()


@pytest.mark.parametrize(
    "due", [{"priority": 5}, {"run_after": datetime.now(UTC) + timedelta(days=365)}]
)
def test_what_a_bus_cannot_is_told_before_the_commit(tmp_path, due):
    """After it the rows are there, and nobody has the task."""
    backend = TaskBackend("default", {"OPTIONS": {"bus": f"file:{tmp_path}/x.json"}})
    with transaction.atomic(), pytest.raises(InvalidTask, match="'file' does not offe"):
        backend.enqueue(charge.using(**due), [], {})
    backend.client.close()


def test_all_threads_of_a_process_share_one_client(bus):
    """Django makes a backend for each; a connection for each would stay."""
    before, clients = {*threading.enumerate()}, []

    def request():
        charge.enqueue(1)
        clients.append(task_backends["default"].client)

    for _ in range(5):
        thread = threading.Thread(target=request)
        thread.start()
        thread.join()
    assert len(clients) == 5
    assert {id(one) for one in clients} == {id(task_backends["default"].client)}
    assert len({*threading.enumerate()} - before) <= 1
    bus.assert_sent("django", count=5)


def test_backends_of_other_settings_have_other_clients(tmp_path):
    """One each, however many backends there are."""
    urls = [f"file:{tmp_path}/{name}" for name in "abba"]
    made = [TaskBackend("x", {"OPTIONS": {"bus": url}}).client for url in urls]
    assert made[0] is made[3] is not made[1] is made[2]


def test_a_backend_may_send_at_once(bus):
    """Where what it sends does not depend on the transaction."""
    backend = TaskBackend("default", {"OPTIONS": {"on_commit": False}})
    with transaction.atomic():
        backend.enqueue(charge, [1], {})
        bus.assert_sent("django", count=1)
    backend.client.close()


def test_it_is_enqueued_from_an_event_loop(bus):
    """Without blocking that."""
    result = asyncio.run(charge.aenqueue(1))
    bus.assert_sent("django", id=result.id, count=1)


def test_what_is_due_later_arrives_later(bus):
    """As the bus keeps it."""
    charge.using(run_after=datetime.now(UTC) + timedelta(hours=1)).enqueue(1)
    charge.using(run_after=datetime.now(UTC) - timedelta(hours=1)).enqueue(2)
    found = [(json.loads(it.task.info)["args"], round(it.delay)) for it in bus.sent]
    assert found == [([2], 0), ([1], 3600)]


def test_what_a_bus_cannot_is_an_invalid_task(tmp_path):
    """A file has no delays."""
    backend = TaskBackend("default", {"OPTIONS": {"bus": f"file:{tmp_path}/x.json"}})
    due = charge.using(run_after=datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(InvalidTask, match="delay"):
        backend.enqueue(due, [], {})
    backend.client.close()


def test_arguments_that_are_no_json_are_refused(bus):
    """Before anything is sent."""
    with pytest.raises(TypeError):
        charge.enqueue(object())
    bus.assert_nothing_sent()


def test_results_are_not_kept():
    """Which the backend says in Django's way."""
    assert not task_backends["default"].supports_get_result
    with pytest.raises(NotImplementedError):
        charge.get_result("1")


def test_wrong_options_are_told_by_the_system_check():
    """With the nearest name."""
    backend = TaskBackend("default", {"OPTIONS": {"bus": "memory", "nam": "x"}})
    (error,) = backend.check()
    assert "did you mean 'name'" in error.msg
    assert [*task_backends["default"].check()] == []
    with pytest.raises(OptionError):
        backend.enqueue(charge, [], {})
    wrong = {"bus": "memory", "on_commit": "no", "database": "nope"}
    switch, database = TaskBackend("default", {"OPTIONS": wrong}).check()
    assert "on_commit: True or False is wanted, not 'no'" in switch.msg
    assert "database: there is no 'nope'; there is default" in database.msg


def test_a_backend_goes_to_no_bus_by_default(monkeypatch):
    """Its tasks would be printed, and count as sent."""
    monkeypatch.delenv("TASK_BUS", raising=False)
    (error,) = TaskBackend("default", {"OPTIONS": {}}).check()
    assert "no bus is set" in error.msg


@pytest.mark.parametrize(
    "call",
    [
        {"task": 5, "args": [], "kwargs": {}},
        {"task": "shop_tasks.add", "args": "12", "kwargs": {}},
        {"task": "shop_tasks.add", "args": [], "kwargs": []},
        {"task": "shop_tasks.add"},
        [],
    ],
)
def test_what_is_no_call_of_django_is_an_error(call):
    """Without a traceback, whatever a message has in the place of it."""
    done = run_worker(Runs("h:1").run, Task(type="django", info=json.dumps(call)))
    assert done.msg == "not a task of Django: info has no task, args and kwargs"


@pytest.mark.parametrize(
    ("meta", "attempt"),
    [("", 1), ("retry=2", 3), ("retry=failed", 1), ("retry=²", 1), ("retry=9e9", 1)],
)
def test_a_retry_is_an_attempt(meta, attempt):
    """It comes as a message of its own, whose meta counts."""
    info = json.dumps({"task": whichever.module_path, "args": [], "kwargs": {}})
    done = run_worker(Runs("h:1").run, Task(type="django", info=info, meta=meta))
    assert json.loads(done.msg) == attempt
