"""Rules of `task_core.cli.plugins` and `task_core.cli.doctor`."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta

import attrs
import pytest
from click.testing import CliRunner
from task_testing.dists import write_distribution

from task_core.api.capabilities import Capabilities
from task_core.api.command import CommandPlugin
from task_core.api.decorators import worker
from task_core.api.plugin import BusPlugin, NoOptions
from task_core.cli.doctor import (
    check_command,
    check_name,
    check_options,
    check_signature,
    check_summary,
)
from task_core.cli.plugins import capability_meanings, command
from task_core.discovery.findings import Level
from task_core.discovery.found import Found
from task_core.discovery.guard import guarded
from task_core.errors import OptionError, UnknownPluginError, UsageError
from task_core.options import option

SOURCE = """
import sys
import attrs
from task_core.api import BusPlugin, Capabilities, option

@attrs.frozen(kw_only=True)
class Options:
    hosts: tuple[str, ...] = option(("a:1",), help="Where to go.", metavar="HOST")
    token: str = option(help="Who goes.", secret=True)

bus = BusPlugin(
    name="shown",
    summary="A bus to show.",
    capabilities=Capabilities(ack=True, max_bytes=100),
    options=Options,
    open=lambda options, context: None,
)
"""


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """A bus with options, installed."""
    write_distribution(
        tmp_path,
        "task-bus-shown",
        entry_points={"task_core.bus": {"shown": "shown_mod:bus"}},
        modules={"shown_mod": SOURCE},
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("shown_mod", None)


def run(*words, code=0):
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


def test_the_list_is_a_table():
    """With who brings what."""
    head, *rows = [line.split() for line in run("list").splitlines()]
    assert head == ["KIND", "NAME", "DISTRIBUTION", "VERSION", "STATUS"]
    assert ["bus", "stdio", "task-framework", "0.1.0", "built", "in"] in rows


@attrs.frozen(kw_only=True)
class OneOption:
    """Of a bus."""

    host: str = option("a", help="Where to go.")


@pytest.mark.parametrize("name", ["my_bus", "my.bus", "MyBus", "my-bus", "bus2"])
@pytest.mark.parametrize("options", [OneOption, NoOptions])
def test_a_name_that_can_begin_no_url_is_told_where_one_would_set_options(
    name, options
):
    """Of a bus without options a URL says nothing."""
    bus = BusPlugin(
        name=name,
        summary="s",
        capabilities=Capabilities(),
        options=options,
        open=lambda options, context: None,
    )
    findings = [*check_name(Found(kind="bus", name=name), bus)]
    told = [(f.code, f.level, f.cause) for f in findings]
    warned = [("P05", Level.WARN, "its name can begin no URL")]
    good = name in ("my-bus", "bus2") or options is NoOptions
    assert told == ([] if good else warned)


def test_the_list_can_be_of_one_kind():
    """For those who look for a bus."""
    assert {
        row["kind"] for row in json.loads(run("list", "--kind", "bus", "--json"))
    } == {"bus"}


def test_disabled_plugins_are_listed_as_such(shown, monkeypatch):
    """Else nobody would know why they do not work."""
    monkeypatch.setenv("TASK_PLUGINS_DISABLED", "task-bus-shown")
    [row] = [line for line in run("list").splitlines() if "task-bus-shown" in line]
    assert row.endswith("disabled")


def test_a_plugin_shows_its_options_under_all_their_names(shown):
    """Flag, variable and key; a secret has no default to leak."""
    facts = json.loads(run("show", "bus", "shown", "--json"))
    hosts, token = facts["options"]
    assert hosts == {
        "flag": "--bus-hosts",
        "environment": "TASK_BUS_SHOWN_HOSTS",
        "toml": "bus.shown.hosts",
        "type": "HOST,...",
        "default": "a:1",
        "help": "Where to go.",
    }
    assert token["default"] == "(required)"
    assert facts["summary"] == "A bus to show."


def test_a_plugin_is_shown_by_what_task_launch_takes(tmp_path, monkeypatch):
    """A URL, a file: its options are set by the name that it has there."""
    head, whose = run("show", "bus", "file://x.json").splitlines()[:2]
    assert head.startswith("bus file: ")
    assert whose.startswith("from task-framework ")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "my_shown.py").write_text("def my_work(info):\n    return info\n")
    head, whose = run("show", "worker", "./my_shown.py:my_work").splitlines()[:2]
    assert head.startswith("worker my_work: ")
    assert whose == "from ./my_shown.py (my_shown:my_work)"
    (tmp_path / "my_seen.py").write_text(
        "from task_core.api import HooksPlugin, NoOptions, hookimpl\n"
        "class Seen:\n"
        "    @hookimpl\n"
        "    def task_settled(self, task): ...\n"
        "def make(options):\n"
        "    return Seen()\n"
        "plugin = HooksPlugin(name='seen', summary='S.', make=make)\n"
    )
    assert run("show", "hooks", "./my_seen.py:plugin").startswith("hooks seen: S.\n")


def test_a_bus_shows_what_it_can_do_and_what_that_means(shown):
    """Every capability, offered or not."""
    text = run("show", "bus", "shown")
    lines = [line.split(maxsplit=2) for line in text.splitlines() if line]
    rows = {line[0]: line[1:] for line in lines if len(line) == 3}
    meaning = "A delivery stays the broker's until it is acknowledged."
    assert rows["ack"] == ["yes", meaning]
    assert rows["lease"][0] == "no"
    assert rows["max_bytes"][0] == "100"


def test_every_capability_has_a_meaning():
    """A whole sentence: the docstring of the class is where it is told."""
    fields = {field.name for field in attrs.fields(Capabilities)}
    meanings = capability_meanings()
    told = {name for name, text in meanings.items() if text.endswith(".")}
    assert told >= fields


@pytest.mark.parametrize("words", [("show", "bus", "loud"), ("doctor", "loud")])
def test_what_a_plugin_prints_when_imported_is_no_data(tmp_path, words):
    """The output can be parsed."""
    source = SOURCE.replace("shown", "loud") + "print('noise')\n"
    write_distribution(
        tmp_path,
        "task-bus-loud",
        entry_points={"task_core.bus": {"loud": "loud_mod:bus"}},
        modules={"loud_mod": source},
    )
    done = subprocess.run(
        [sys.executable, "-m", "task_core", "plugins", *words, "--json"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)
    assert "noise" in done.stderr


def test_the_doctor_prints_one_line_for_those_in_order():
    """Level, code, who, and what."""
    line = "OK    P00  bus stdio, task-framework: in order"
    assert run("doctor", "stdio").splitlines() == [line]


def test_the_doctor_prints_cause_and_fix(shown):
    """One line each."""
    assert "INFO" not in run("doctor", "task-bus-shown")
    text = run("doctor", "task-bus-shown", "--author")
    assert "INFO  P12  task-bus-shown: its requirements set no upper bound" in text
    assert "\n           fix: its author can add" in text


def test_the_doctor_prints_json_for_machines():
    """With the names of the fields."""
    [finding] = json.loads(run("doctor", "stdio", "--json"))
    assert (finding["code"], finding["level"]) == ("P00", "OK")


@attrs.frozen(kw_only=True)
class Options:
    """Good, without help, and of a type that is not offered."""

    good: timedelta = option(timedelta(0), help="Good.")
    bare: int = 3


@attrs.frozen(kw_only=True)
class Unreadable:
    """Has an option that nothing can set."""

    nested: dict[str, int] = option(attrs.Factory(dict), help="Bad.")


def findings_of(options):
    bus = BusPlugin(
        name="x",
        summary="",
        capabilities=Capabilities(),
        options=options,
        open=lambda options, context: None,
    )
    found = Found(kind="bus", name="x", distribution="d")
    return [(f.code, f.level, f.cause) for f in check_options(found, bus)]


def test_an_option_without_help_is_a_warning():
    """People read `--help`."""
    assert findings_of(Options) == [
        ("P09", Level.WARN, "its option 'bare' has no help")
    ]


def test_an_option_that_nothing_can_set_is_a_failure():
    """It would break each command that names the bus."""
    [(code, level, cause)] = findings_of(Unreadable)
    assert (code, level) == ("P09", Level.FAIL)
    assert "Unreadable.nested" in cause


def three(info, context, more):
    """Do something that nobody can ask for."""


def test_a_worker_that_cannot_be_called_is_a_failure():
    """It would say so at the start of each launcher."""
    found = Found(kind="worker", name="three", distribution="d")
    manifest = guarded(found, worker(three))
    [finding] = check_signature(found, manifest)
    assert (finding.code, finding.level) == ("P02", Level.FAIL)
    assert "not (info, context, more)" in finding.cause
    assert not [*check_signature(found, guarded(found, worker(lambda info: None)))]


@pytest.mark.parametrize(
    ("made", "cause"),
    [
        (None, "opening it gives None"),
        (print, "opening it gives a builtin_function_or_method, not a click.Command"),
    ],
)
def test_a_command_that_is_none_is_a_failure(made, cause):
    """To open it connects to nothing."""
    found = Found(kind="command", name="x", distribution="d")
    manifest = CommandPlugin(name="x", summary="X.", open=lambda: made)
    [finding] = check_command(found, guarded(found, manifest))
    assert (finding.code, finding.level, finding.cause) == ("P02", Level.FAIL, cause)


def test_a_plugin_that_does_not_say_what_it_is_for_is_a_warning():
    """The list of what is installed would have an empty line."""
    found = Found(kind="worker", name="x", distribution="d")
    [finding] = check_summary(found, worker(lambda info: None))
    assert (finding.code, finding.level) == ("P09", Level.WARN)
    assert not [*check_summary(found, worker(three))]


def test_a_bus_can_be_asked_for_a_sign_of_life():
    """With its name and how long that took."""
    assert run("doctor", "--connect", "memory").startswith("OK    bus memory answers")
    assert json.loads(run("doctor", "--connect", "null", "--json"))["bus"] == "null"


def test_a_bus_that_is_away_is_the_error_that_a_launcher_would_get():
    """Of a connection, or of a name."""
    runner = CliRunner()
    done = runner.invoke(command, ["doctor", "--connect", "nowhere"])
    assert isinstance(done.exception, UnknownPluginError)
    done = runner.invoke(command, ["doctor", "--connect", "file://x?folow=1"])
    assert isinstance(done.exception, OptionError)
    done = runner.invoke(command, ["doctor", "nsq", "--connect", "memory"])
    assert isinstance(done.exception, UsageError)


def test_hooks_that_need_an_option_are_shown_with_it(task, install):
    """Nobody has to set it first; which hooks they have is known when they are made."""
    source = (
        "import attrs\n"
        "from task_core.api import HooksPlugin, option\n"
        "@attrs.frozen(kw_only=True)\n"
        "class Options:\n"
        "    url: str = option(help='Where.')\n"
        "plugin = HooksPlugin(name='g', summary='Guard.', options=Options, make=list)\n"
    )
    install("hooks", "g", source)
    done = task("plugins", "show", "hooks", "g")
    assert done.code == 0, done.err
    assert done.out.startswith("hooks g: Guard.\n")
    assert re.search(r"TASK_HOOKS_G_URL +hooks\.g\.url +TEXT +\(required\)", done.out)
