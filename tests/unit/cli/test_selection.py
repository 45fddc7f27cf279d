"""Rules of `task_core.config.selection`: who is selected, and what they are told."""

from functools import partial

import pytest

from task_core.builtin import PLUGINS
from task_core.cli.launch import SECTION
from task_core.cli.parameters import flags_of
from task_core.config.selection import Selector
from task_core.config.sources import NoFile
from task_core.config.toml_file import TomlFile
from task_core.discovery.catalog import Catalog
from task_core.errors import (
    FrameworkError,
    PluginImportError,
    UnknownPluginError,
    WorkerError,
)
from task_core.shown import HIDDEN

BUS = """
import os
import attrs
from task_core.api import BusPlugin, Capabilities, UrlPart, option

os.write(1, b"noise of an import\\n")

@attrs.frozen(kw_only=True)
class Options:
    hosts: tuple[str, ...] = option(("a:1",), help="Hosts.", url=UrlPart.AUTHORITY)
    size: int = option(1, help="Size.")
    token: str = option("", help="Token.", secret=True)

plugin = BusPlugin(
    name="NAME", summary="A bus.", capabilities=Capabilities(), options=Options,
    open=lambda options, context: None,
)
"""
WORKER = """
from task_core.api import worker

@worker
def my_worker(info: str): ...
"""


@pytest.fixture
def nats(install):
    """Two buses, one with a name that the other's begins with."""
    for name in ("nats", "nats-core"):
        install("bus", name, BUS.replace("NAME", name))


@pytest.fixture
def settings(folder):
    """Return the settings for what flags and a TOML text say."""

    def resolve(toml="", **flags):
        source = TomlFile("task.toml", toml) if toml else NoFile()
        selector = Selector(SECTION, Catalog.scan(PLUGINS), source)
        params = {name: (text,) for name, text in flags.items()}
        known = partial(flags_of, params)
        return selector.resolve(known, selector.select(known))

    return resolve


def origin(settings, name):
    """Return value and origin of a setting, for example `bus.nats.size`."""
    return next(
        (s.value, s.origin)
        for s in settings.all
        if s.section.key_of(s.spec) == name and s.spec.name == name.split(".")[-1]
    )


def test_nobody_is_selected_but_the_default_bus(settings):
    """A pipe."""
    found = settings()
    assert (found.worker, found.taskmaster) == (None, None)
    assert {role: one.plugin.name for role, one in found.buses.items()} == {
        "bus": "stdio"
    }


def test_a_worker_may_be_selected_anywhere(settings, monkeypatch):
    """The strongest source counts: flag, environment, TOML."""
    toml = "[launch]\nworker = 'nop'\n"
    assert settings(toml).worker.plugin.name == "nop"
    monkeypatch.setenv("TASK_LAUNCH_WORKER", "echo")
    assert settings(toml).worker.plugin.name == "echo"
    assert settings(toml, worker="exec:cat").worker.plugin.name == "exec"


def test_the_strongest_source_of_an_option_wins(settings, nats, monkeypatch):
    """Flag, URL, environment, TOML, default."""
    toml, found = "[bus.nats]\nsize = 2\n", []
    found.append(origin(settings(bus="nats"), "bus.nats.size"))
    found.append(origin(settings(toml, bus="nats"), "bus.nats.size"))
    monkeypatch.setenv("TASK_BUS_NATS_SIZE", "3")
    found.append(origin(settings(toml, bus="nats"), "bus.nats.size"))
    url = "nats://h?size=4"
    found.append(origin(settings(toml, bus=url), "bus.nats.size"))
    found.append(origin(settings(toml, bus=url, bus_size="5"), "bus.nats.size"))
    assert found == [
        (1, "default"),
        (2, "task.toml, line 2"),
        (3, "TASK_BUS_NATS_SIZE"),
        (4, "URL nats:"),
        (5, "--bus-size"),
    ]


def test_a_url_selects_and_tells(settings):
    """Name before, options behind the colon."""
    [bus] = settings(bus="file://a/b.json?follow=true").buses.values()
    assert (bus.options.path, bus.options.follow) == ("a/b.json", True)


def test_an_installed_worker_takes_what_follows_its_name(settings):
    """As it stands: it is a command, not a URL."""
    worker = settings(worker="exec:./run 'a b' --x=1?").worker
    assert worker.options.command == "./run 'a b' --x=1?"


def test_a_worker_may_be_a_function_in_a_file(settings, folder):
    """The name comes from the function, the rest is as with any other."""
    (folder / "my.py").write_text(WORKER)
    assert settings(worker="my.py:my_worker").worker.plugin.name == "my_worker"
    assert settings(worker="./my.py").worker.plugin.name == "my_worker"


def test_reading_and_writing_may_use_two_buses(settings):
    """Then the one for both is not even loaded."""
    found = settings(in_bus="file:in.json", out_bus="file:out.json", bus="no-such")
    assert {role: one.options.path for role, one in found.buses.items()} == {
        "in_bus": "in.json",
        "out_bus": "out.json",
    }


def test_two_buses_of_one_kind_have_flags_of_their_own(settings):
    """While environment and TOML speak to both."""
    found = settings(
        "[bus.file]\nfollow = true\n", in_bus="file", out_bus="file", in_bus_path="x"
    )
    assert [b.options.path for b in found.buses.values()] == ["x", ""]
    assert [b.options.follow for b in found.buses.values()] == [True, True]


def test_variables_of_another_plugin_are_not_taken_for_unknown_ones(
    settings, nats, monkeypatch
):
    """`nats` and `nats-core` are two buses."""
    monkeypatch.setenv("TASK_BUS_NATS_CORE_SIZE", "3")
    assert settings(bus="nats").problems == []
    assert settings(bus="nats-core").buses["bus"].options.size == 3
    monkeypatch.setenv("TASK_BUS_NATS_SISE", "3")
    [line] = settings(bus="nats").problems
    assert line.endswith("bus nats has no option 'sise': did you mean 'size'?")


def test_problems_of_all_sections_are_gathered(settings, nats):
    """Of the command, the bus and the worker."""
    found = settings(
        concurrency="x", bus="nats", bus_size="y", worker="nop", worker_dur="z"
    )
    flags = [line.partition(":")[0] for line in found.problems]
    assert flags == ["--concurrency", "--worker-dur", "--bus-size"]


def test_what_a_plugin_prints_when_imported_is_no_data(task, nats):
    """It goes to stderr."""
    done = task("config", "show", "--bus", "nats", "--json")
    assert done.err == "noise of an import\n"
    assert "noise" not in done.out


def test_secrets_are_not_shown_wherever_they_are_written(settings, nats):
    """In an option of their own, in the URL, as a password."""
    url = "nats://u:s3cret@h?token=s3cret"
    found = settings(bus=url)
    shown = {s.section.key_of(s.spec): s.shown for s in found.all}
    assert shown["bus.nats.token"] == HIDDEN
    assert shown["launch.bus"] == f"nats://u:{HIDDEN}@h?token={HIDDEN}"
    assert "s3cret" not in "".join(shown.values())
    assert found.command.bus == url


@pytest.mark.parametrize(
    ("flags", "error", "text"),
    [
        ({"bus": "flie"}, UnknownPluginError, "no bus 'flie'"),
        ({"bus": "flie://x"}, UnknownPluginError, "no bus 'flie'"),
        ({"bus": ""}, UnknownPluginError, "no bus ''"),
        ({"worker": "ecko"}, UnknownPluginError, "no worker 'ecko'"),
        ({"worker": "ecko:x"}, WorkerError, "no module 'ecko'"),
        ({"worker": "no.py"}, WorkerError, "'no.py' does not exist"),
        ({"worker": "file://x"}, WorkerError, "file"),
        ({"taskmaster": "x"}, UnknownPluginError, "no taskmaster 'x'"),
    ],
    ids=str,
)
def test_who_cannot_be_found_is_named(settings, flags, error, text):
    """Before anything else is looked at."""
    with pytest.raises(error, match=text):
        settings(**flags)


def test_a_broken_plugin_breaks_only_its_own_selection(settings, install):
    """Others do not even import it."""
    install("bus", "broken", "import no_such_client")
    assert settings(bus="file").problems == []
    with pytest.raises(PluginImportError, match="no_such_client"):
        settings(bus="broken")


def test_options_of_an_unsupported_type_name_the_plugin(settings, install):
    """It is its author's mistake, not the user's."""
    source = BUS.replace("NAME", "odd").replace("size: int", "size: dict")
    install("bus", "odd", source)
    with pytest.raises(FrameworkError, match=r"Options\.size: an option cannot be"):
        settings(bus="odd")


def test_a_selection_that_is_no_text_is_a_problem(settings):
    """`bus = 3` in TOML selects nothing."""
    assert settings("[launch]\nbus = 3\n").problems == [
        "launch.bus (task.toml, line 2): a text is wanted: write '3'"
    ]


@pytest.mark.parametrize("table", ["nats-core", "nats_core"])
def test_the_table_of_a_plugin_may_have_either_dash(settings, nats, table):
    """As a variable has `_` in any case."""
    toml = f"[bus.{table}]\nsize = 3\n"
    found = settings(toml, bus="nats-core")
    assert found.problems == []
    assert origin(found, "bus.nats-core.size") == (3, "task.toml, line 2")


def test_a_key_that_is_in_no_table_of_a_plugin_is_told(settings):
    """Which one it is meant for, nobody knows."""
    [line] = settings("[worker]\nfail_rate = 100\n", worker="nop").problems
    assert line.startswith("task.toml, line 2: nothing reads 'fail_rate' in [worker]: ")


def test_what_takes_a_number_or_a_word_takes_a_number(settings):
    """`instances = 2` is how anybody writes it."""
    assert settings("[launch]\ninstances = 2\n").command.instances == "2"
    [line] = settings("[launch]\nrate = 10\n").problems
    assert line.endswith("not a rate like 10/s, 100/m or 5/h: '10'")


def test_an_empty_text_is_no_yes(settings):
    """`fail = "${FAIL}"` that came out empty is not set anywhere else."""
    [line] = settings("[launch]\nfail = ''\n").problems
    assert line == "launch.fail (task.toml, line 2): not true or false: ''"
