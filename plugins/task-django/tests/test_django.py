"""A Django project enqueues tasks, and a worker runs them: the real Django."""

import asyncio
import json
import os
import subprocess
import sys
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

    PACKAGE = "django.tasks"
except ImportError:
    from django_tasks import task, task_backends

    PACKAGE = "django_tasks"
from django.db import transaction
from task_django.backend import TaskBackend
from task_django.tasks import InvalidTask, task_enqueued

from task_core import connect
from task_core.api import OptionError

PROJECT = {
    "settings": """
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db"}}
TASKS = {
    "default": {
        "BACKEND": "task_django.backend.TaskBackend",
        "OPTIONS": {"bus": "sqlite://task.db"},
    }
}
USE_TZ = True
""",
    "shop_tasks": f"""
from {PACKAGE} import task
from {PACKAGE}.signals import task_finished

@task
def add(a, b):
    return {{"sum": a + b}}

@task(takes_context=True)
def tell(context, text):
    return [text, context.attempt]

@task
async def later(text):
    return text

@task
def fail(text):
    raise ValueError(text)

@task
def odd():
    return object()

def plain():
    return "must not be called"

def heard(sender, task_result, **more):
    print("finished", task_result.task.name, task_result.status)

task_finished.connect(heard)
""",
}


@task
def charge(order, **more):
    """Is enqueued."""


@pytest.fixture(autouse=True)
def bus(task_client):
    """The backend uses the bus of the test."""
    task_backends["default"].__dict__.pop("client", None)
    yield task_client
    if client := task_backends["default"].__dict__.pop("client", None):
        client.close()


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


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv("TASK_BUS")
    for name, text in PROJECT.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def run(project, *words, **environment):
    return subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "settings", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_worker_runs_what_a_project_enqueues(project):
    """Functions and coroutines; failures are errors; nothing else is called."""
    code = (
        "import django; django.setup(); import shop_tasks as s;"
        "s.add.enqueue(1, b=2); s.tell.enqueue('x'); s.later.enqueue('y');"
        "s.fail.enqueue('no'); s.odd.enqueue()"
    )
    enqueued = run(project, "-c", code)
    assert enqueued.returncode == 0, enqueued.stderr
    with connect(f"sqlite://{project}/task.db") as bus:
        call = {"task": "shop_tasks.plain", "args": [], "kwargs": {}}
        for info in (
            json.dumps(call),
            "nonsense",
            '{"task":"no.such","args":[],"kwargs":{}}',
        ):
            bus.send("django", info, topic="default")
        words = ("--worker", "django", "--worker-settings", "settings", "--drain")
        done = run(
            project,
            *("-m", "task_core", "launch", "--bus", "sqlite://task.db", *words),
            DJANGO_SETTINGS_MODULE="",
        )
        assert done.returncode == 0, done.stderr
        assert "finished add SUCCESSFUL" in done.stderr
        assert "finished fail FAILED" in done.stderr
        results = [
            (it.result, it.msg) for it in bus.read("done", channel="x", timeout=0.1)
        ]
    assert results[:4] == [
        ("complete", '{"sum": 3}'),
        ("complete", '["x", 1]'),
        ("complete", '"y"'),
        ("error", "ValueError: no"),
    ]
    assert [result for result, _ in results[4:]] == ["error"] * 4
    assert results[5][1] == "shop_tasks.plain is no task: decorate it with @task"
    assert results[6][1].startswith("not a task of Django")


@pytest.mark.parametrize("name", ["no_such_settings", ""])
def test_a_project_that_cannot_be_set_up_is_one_line(project, name):
    """At the start, before any task is taken."""
    flags = ("--worker-settings", name) if name else ()
    done = run(
        project,
        *("-m", "task_core", "launch", "--worker", "django", "--bus", "memory", *flags),
        DJANGO_SETTINGS_MODULE="",
    )
    assert done.returncode == 2, done.stderr
    assert "the Django project cannot be set up" in done.stderr
    assert "Traceback" not in done.stderr
