"""A worker runs what a Django project has enqueued: the real Django, in processes."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from task_core import connect

PACKAGE = "django.tasks" if find_spec("django.tasks") else "django_tasks"
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


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv("TASK_BUS", raising=False)
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
    assert ("--worker-settings shop.settings" in done.stderr) == (not name)


APPS = 'USE_TZ = True\nINSTALLED_APPS = ["shop"]\n'


@pytest.mark.parametrize(
    ("settings", "models", "told"),
    [
        (
            'import os\nA = os.environ["NOT_THERE"]',
            "",
            "KeyError: 'NOT_THERE' (SETTINGS:2)",
        ),
        ("import sys\nsys.exit('no')", "", "SystemExit: no (SETTINGS:2)"),
        (APPS, "class A(:\n    x", "SyntaxError: invalid syntax (MODELS:1)"),
        (
            APPS,
            "\n\nnot_there",
            "NameError: name 'not_there' is not defined (MODELS:3)",
        ),
        (APPS, "import no_such", "No module named 'no_such' (MODELS:1)"),
    ],
)
def test_what_is_wrong_in_a_project_is_told_with_its_place(
    project, settings, models, told
):
    """It is no fault of the plugin."""
    (project / "wrong.py").write_text(settings)
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").touch()
    (project / "shop" / "models.py").write_text(models)
    done = run(
        project,
        *("-m", "task_core", "launch", "--worker", "django", "--bus", "memory"),
        *("--worker-settings", "wrong"),
    )
    told = told.replace("SETTINGS", str(project / "wrong.py"))
    told = told.replace("MODELS", str(project / "shop" / "models.py"))
    last = done.stderr.splitlines()[-1]
    assert last == f"task: the Django project cannot be set up: {told}"
    assert done.returncode == 2
