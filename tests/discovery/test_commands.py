"""Installed plugins bring commands, and a broken one breaks only itself."""

import json
import os
import subprocess
import sys

import pytest
from task_testing.dists import write_distribution

PLUGIN = """
import click
from task_core.api import CommandPlugin

def make():
    @click.command()
    @click.option("--bus", default="")
    @click.pass_obj
    def say(context, bus):
        {body}
    return say

plugin = CommandPlugin(name="{name}", summary="Say.", open=make)
"""
LATE = """
from task_core.api import CommandPlugin

plugin = CommandPlugin(name="{name}", summary="Say.", open="{open}")
"""
SOURCES = {
    "say": PLUGIN.format(name="say", body="print(context.open_bus(bus).name)"),
    "raises": PLUGIN.format(name="raises", body="{}['key']"),
    "exits": PLUGIN.format(name="exits", body="raise SystemExit(7)"),
    "broken": "1 / 0\n",
    "late": LATE.format(name="late", open="no_such_module:make"),
    "half": LATE.format(name="half", open="os:no_such_function"),
    "nothing": LATE.format(name="nothing", open="os:getcwd"),
    "launch": PLUGIN.format(name="launch", body="print('stolen')"),
}


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """Run `task` where these commands are installed."""
    site = tmp_path_factory.mktemp("site")
    for name, source in SOURCES.items():
        location = write_distribution(
            site,
            f"task-command-{name}",
            entry_points={"task_core.command": {name: f"command_{name}:plugin"}},
            modules={f"command_{name}": f"print('noise of an import')\n{source}"},
            requires=["task-framework>=0.1,<1"],
        )
        if name == "say":
            file = location / "METADATA"
            file.write_text(f"Summary: Says which bus.\n{file.read_text()}")

    def run(*words, **more):
        return subprocess.run(
            [sys.executable, "-m", "task_core", *words],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(site), **more.pop("env", {})},
            check=False,
            timeout=300,
            **more,
        )

    return run


def test_help_lists_them_with_what_they_are_and_imports_none(task):
    """Whatever happens on import, help is there."""
    done = task("--help")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert rows["say"].split(maxsplit=1)[1] == "Says which bus. (task-command-say)"
    assert rows["broken"].endswith("from task-command-broken")
    assert rows["launch"].endswith("Run a worker on a bus.")
    assert "noise" not in done.stdout


def test_a_command_runs_and_what_its_import_prints_is_no_data(task):
    """With its own options, and the words of help."""
    done = task("say", "--bus", "null")
    assert (done.returncode, done.stdout) == (0, "null\n")
    assert "noise of an import" in done.stderr
    assert task("say", "--help").stdout.startswith("Usage: task say [OPTIONS]")


def test_a_command_opens_the_bus_that_environment_and_toml_select(task, tmp_path):
    """In the order of the command line: URL, environment, TOML, default."""
    (tmp_path / "task.toml").write_text("[launch]\nbus = 'memory'\n")
    assert task("say", cwd=tmp_path).stdout == "memory\n"
    env = {"TASK_LAUNCH_BUS": "null"}
    assert task("say", cwd=tmp_path, env=env).stdout == "null\n"
    done = task("say", "--bus", "stdout", cwd=tmp_path, env=env)
    assert done.stdout == "stdout\n"


def test_a_wrong_option_of_a_bus_is_told_as_everywhere(task):
    """Exit code 2, and which."""
    done = task("say", "--bus", "file://x?folow=1")
    assert done.returncode == 2
    assert "'folow'" in done.stderr


@pytest.mark.parametrize(
    ("name", "code", "cause"),
    [
        ("broken", 3, "it cannot be imported: ZeroDivisionError"),
        ("late", 3, "it needs the module 'no_such_module', which is not there"),
        ("half", 3, "no_such_function"),
        ("nothing", 3, "opening it gives a str, not a click.Command"),
        ("raises", 3, "running it failed: KeyError: 'key' (command_raises.py:11)"),
    ],
)
def test_a_broken_command_is_one_line_that_names_its_distribution(
    task, name, code, cause
):
    """It is no bug of the framework."""
    done = task(name)
    assert done.returncode == code
    [line] = [x for x in done.stderr.splitlines() if "noise" not in x]
    assert line.startswith(f"task: command '{name}' of task-command-{name} 1.0 ")
    assert cause in line
    assert done.stdout == ""


def test_a_command_may_end_with_a_code_of_its_own(task):
    """As programs do."""
    assert task("exits").returncode == 7


def test_a_built_in_command_cannot_be_taken(task):
    """The list and the doctor say who tries."""
    assert "stolen" not in task("launch", "--worker", "echo", input="").stdout
    rows = json.loads(task("plugins", "list", "--kind", "command", "--json").stdout)
    status = {row["name"]: row["status"] for row in rows}
    assert status["launch"] == "conflict"
    assert status["say"] == "installed"
    findings = json.loads(task("plugins", "doctor", "launch", "--json").stdout)
    [cause] = [f["cause"] for f in findings if f["code"] == "P06"]
    assert cause == (
        "its name is also claimed by task-framework, and built-in names are reserved"
    )


def test_the_doctor_imports_what_stands_as_text(task):
    """It would fail when it is used."""
    findings = json.loads(task("plugins", "doctor", "late", "half", "--json").stdout)
    causes = {f["name"]: f["cause"] for f in findings if f["level"] == "FAIL"}
    assert "no_such_module" in causes["late"]
    assert "no_such_function" in causes["half"]


def test_a_mistyped_name_gets_the_nearest_of_all(task):
    """Those of plugins too."""
    done = task("sya")
    assert done.returncode == 2
    assert "there is no command 'sya': did you mean 'say'?" in done.stderr


def test_a_command_that_the_project_ships_says_how_to_get_it(task):
    """When it is not installed."""
    done = task("bench", env={"TASK_PLUGINS": "none"})
    assert done.returncode == 2
    assert "pip install ./plugins/task-command-bench" in done.stderr
