"""Broken plugins, really installed all at once: each breaks itself and nothing else."""

import json
import os
import subprocess
import sys

import pytest
from task_testing.dists import write_distribution

BUS = """
from task_core.api import BusPlugin, Capabilities

def _open(options, context):
    raise NotImplementedError

bus = BusPlugin(
    name="{name}", summary="X.", capabilities=Capabilities(), open=_open, api={api}
)
"""
LINE = '{"type":"echo","info":"here"}\n'
GOOD = BUS.format(name="good", api=1)

BREAKAGES = {
    "raises": (
        {"source": "def connect():\n    return 1 / 0\n\nconnect()\n"},
        "P01",
        "it cannot be imported: ZeroDivisionError: division by zero (bad_raises.py:2)",
        "pip install --upgrade task-bus-raises, or tell its author",
    ),
    "syntax": (
        {"source": "def connect(:\n"},
        "P01",
        "it cannot be imported: syntax error in bad_syntax.py:1: invalid syntax",
        "pip install --upgrade task-bus-syntax, or tell its author",
    ),
    "clientless": (
        {"source": "import no_client\n", "requires": ["no-client>=2,<3"]},
        "P01",
        "it cannot be imported: it needs the module 'no_client', which is not there",
        "pip install 'no-client>=2,<3'",
    ),
    "unlisted": (
        {"source": "import far.deep\n"},
        "P01",
        "it cannot be imported: it needs the module 'far', which is not there",
        "pip install --force-reinstall task-bus-unlisted, or install what brings 'far'",
    ),
    "exits": (
        {"source": "import sys\nsys.exit('no licence')\n"},
        "P01",
        "it cannot be imported: it ends the process ('no licence') when it is imported",
        "pip install --upgrade task-bus-exits, or tell its author",
    ),
    "partial": (
        {"source": None},
        "P08",
        "it cannot be imported: its own module 'bad_partial' is not there",
        "pip install --force-reinstall task-bus-partial",
    ),
    "wrong": (
        {"source": "bus = {}\n"},
        "P02",
        "it names a dict, not a BusPlugin",
        "tell its author",
    ),
    "missing": (
        {"source": "other = 1\n"},
        "P02",
        "there is no 'bus' in bad_missing",
        "its author must mend the entry point",
    ),
    "old": (
        {"source": BUS.format(name="old", api=0)},
        "P03",
        "it is written for bus API 0, this core speaks 1",
        "pip install --upgrade task-bus-old",
    ),
    "new": (
        {"source": BUS.format(name="new", api=99)},
        "P04",
        "it is written for bus API 99, this core speaks 1",
        "pip install --upgrade task-framework",
    ),
    "misnamed": (
        {"source": BUS.format(name="other", api=1)},
        "P05",
        "its manifest calls it 'other', its entry point 'misnamed'",
        "tell its author",
    ),
}
"""By bus name: how it is installed, and the code, cause and fix that are due."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder in which everything is broken at once, but for one good bus."""
    site = tmp_path_factory.mktemp("site")
    _install(site, "good", GOOD)
    for name, (how, *_) in BREAKAGES.items():
        _install(site, name, how["source"], how.get("requires", ()))
    _install(site, "stdio", BUS.format(name="stdio", api=1))
    _install(site, "twice", BUS.format(name="twice", api=1))
    _install(site, "twice", BUS.format(name="twice", api=1), owner="other-twice")
    source = site / "gone"
    _install(site, "stale", BUS.format(name="stale", api=1), editable=source)
    (source / "bad_stale.py").unlink()
    source.rmdir()
    return site


def _install(site, name, source, requires=(), owner="", editable=None):
    module = f"{owner or 'bad'}_{name}".replace("-", "_")
    write_distribution(
        site,
        owner or f"task-bus-{name}",
        entry_points={"task_core.bus": {name: f"{module}:bus"}},
        modules={} if source is None else {module: source},
        requires=["task-framework>=0.1,<1", *requires],
        editable=editable,
    )


@pytest.fixture(scope="module")
def task(site):
    """Run `task` where the broken plugins are installed."""

    def run(*words, **more):
        env = {**os.environ, "PYTHONPATH": str(site), **more.pop("env", {})}
        return subprocess.run(
            [sys.executable, "-m", "task_core", *words],
            capture_output=True,
            text=True,
            env=env,
            check=False,
            timeout=300,
            **more,
        )

    return run


@pytest.fixture(scope="module")
def findings(task):
    """What the doctor says about all of them."""
    done = task("plugins", "doctor", "--json")
    assert done.returncode == 3, done.stderr
    return json.loads(done.stdout)


def _fail_of(findings, **facts):
    return [
        (f["code"], f["cause"], f["fix"])
        for f in findings
        if f["level"] == "FAIL" and facts.items() <= f.items()
    ]


@pytest.mark.parametrize("name", BREAKAGES)
def test_the_doctor_names_cause_and_fix(findings, name):
    """One line each, about the plugin that is broken."""
    _, code, cause, fix = BREAKAGES[name]
    assert _fail_of(findings, kind="bus", name=name) == [(code, cause, fix)]


@pytest.mark.parametrize("name", BREAKAGES)
def test_using_a_broken_plugin_says_the_same_without_a_traceback(task, name):
    """With the distribution, its version and its entry point, and exit code 3."""
    done = task("launch", "--worker", "echo", "--bus", name, input="")
    module = f"bad_{name}:bus"
    _, _, cause, fix = BREAKAGES[name]
    expected = f"task: bus '{name}' of task-bus-{name} 1.0 ({module}): {cause}: {fix}\n"
    assert (done.stdout, done.stderr) == ("", expected)
    assert done.returncode == 3


def test_everything_else_goes_on_as_if_they_were_not_there(task):
    """One broken plugin breaks only itself."""
    done = task("launch", "--worker", "echo", input=LINE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["msg"] == "here"
    done = task("plugins", "show", "bus", "good")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_good_one_among_them_is_in_order(findings):
    """The doctor never stops at the first."""
    good = [f for f in findings if f["name"] == "good"]
    assert [f["level"] for f in good] == ["OK"]


def test_two_owners_of_a_name_are_told_apart(task, findings):
    """By the doctor and by whoever asks for the name."""
    fix = "pip uninstall task-bus-twice, hide it with"
    done = task("launch", "--worker", "echo", "--bus", "twice")
    assert done.returncode == 3
    assert "claimed by other-twice 1.0 and task-bus-twice 1.0" in done.stderr
    assert fix in done.stderr
    failures = _fail_of(findings, kind="bus", name="twice")
    assert {code for code, *_ in failures} == {"P06"}
    assert [cause for _, cause, _ in failures] == [
        "its name is also claimed by task-bus-twice 1.0",
        "its name is also claimed by other-twice 1.0",
    ]
    assert all(found_fix.startswith(fix) for *_, found_fix in failures)


def test_one_of_two_owners_is_chosen_by_its_distribution(task):
    """As the message advises."""
    done = task("launch", "--worker", "echo", "--bus", "task-bus-twice:twice")
    assert "bus 'twice' of task-bus-twice 1.0" in done.stderr
    assert "NotImplementedError" in done.stderr


def test_hiding_one_owner_resolves_the_conflict(task):
    """As the message advises."""
    env = {"TASK_PLUGINS_DISABLED": "task-bus-twice"}
    assert task("plugins", "show", "bus", "twice", env=env).returncode == 0


def test_a_built_in_name_cannot_be_taken(task, findings):
    """A claim changes nothing, and the doctor tells about it."""
    done = task("launch", "--worker", "echo", input=LINE)
    assert json.loads(done.stdout)["msg"] == "here"
    [(code, cause, fix)] = _fail_of(findings, distribution="task-bus-stdio")
    assert code == "P06"
    assert "task-framework" in cause
    assert "built-in names are reserved" in cause
    assert "pip uninstall task-bus-stdio" in fix


def test_no_plugins_at_all_is_always_a_way_out(task):
    """`TASK_PLUGINS=none` leaves the built-in ones."""
    done = task("launch", "--worker", "echo", input=LINE, env={"TASK_PLUGINS": "none"})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["msg"] == "here"


def test_an_editable_install_whose_source_is_gone_is_stale(site, findings):
    """One finding says so, not a riddle about modules."""
    cause = f"it is an editable install of {site / 'gone'}, which is gone"
    fix = "pip uninstall task-bus-stale, or install it from where it is now"
    assert _fail_of(findings, distribution="task-bus-stale") == [("P08", cause, fix)]


def test_an_entry_point_of_ones_own_that_names_nothing_is_to_be_mended(tmp_path):
    """An install of that name mends nothing, and may fetch what a stranger made."""
    source = tmp_path / "source"
    for name, place in (("slog", "slug:slog"), ("snail", "snial:snail")):
        write_distribution(
            tmp_path / "site",
            f"{name}-worker",
            entry_points={"task_core.worker": {name: place}},
            modules={"slug": "slug = 1"},
            requires=["task-framework>=0.1,<1"],
            editable=source,
        )
    env = {**os.environ, "PYTHONPATH": f"{tmp_path / 'site'}:{source}"}
    for name, cause in (
        ("slog", "there is no 'slog' in slug"),
        ("snail", "it cannot be imported: its own module 'snial' is not there"),
    ):
        words = [sys.executable, "-m", "task_core", "launch", "--worker", name]
        done = subprocess.run(
            words, capture_output=True, text=True, env=env, input="", check=False
        )
        fix = f"mend the entry point of {name}-worker, and install it again"
        expected = f"{cause}: {fix}: pip install -e {source}\n"
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.endswith(expected)


def test_listing_imports_nothing_of_what_it_lists(site, task):
    """Whatever happens on import, the list shows it."""
    code = (
        "import sys\n"
        "from task_core.cli.plugins import command\n"
        "command.main(['list'], standalone_mode=False)\n"
        "strange = [n for n in sys.modules if n.startswith(('bad_', 'other_'))]\n"
        "assert not strange, strange\n"
        "assert 'stevedore' not in sys.modules\n"
        "assert 'task_core.builtin.streams' not in sys.modules\n"
    )
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in BREAKAGES:
        assert f"task-bus-{name}" in done.stdout


def test_the_list_shows_conflicts(task):
    """As JSON it can be filtered."""
    done = task("plugins", "list", "--kind", "bus", "--json")
    status = {
        (p["distribution"], p["name"]): p["status"] for p in json.loads(done.stdout)
    }
    assert status["task-framework", "stdio"] == "built in"
    assert status["task-bus-stdio", "stdio"] == "conflict"
    assert status["task-bus-twice", "twice"] == "conflict"
    assert status["task-bus-good", "good"] == "installed"
    assert status["task-framework", "file"] == "built in"
