"""Rules of `task_core.discovery.catalog`."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from task_core.api.plugin import WorkerPlugin
from task_core.builtin import PLUGINS
from task_core.cli.hooks import Configured
from task_core.config.sources import NoFile
from task_core.config.toml_file import TomlFile
from task_core.discovery.catalog import Catalog
from task_core.discovery.explain import SHIPPED
from task_core.discovery.found import GROUPS, Found, mentions
from task_core.errors import PluginConflictError, UnknownPluginError


def found(name="x", kind="bus", **more):
    facts = {"value": f"{more.get('distribution', 'd')}:o", "version": "1.0"}
    return Found(kind=kind, name=name, **{"distribution": "d", **facts, **more})


def test_a_plugin_is_found_without_importing_it(site):
    """Its module need not even be there."""
    location = site.install("task-bus-x")
    plugin = Catalog.scan(None, site.path).find("bus", "x")
    assert (plugin.distribution, plugin.version) == ("task-bus-x", "1.0")
    assert plugin.value == "task_bus_x_mod:plugin"
    assert plugin.location == str(location)
    assert not plugin.builtin
    assert "task_bus_x_mod" not in sys.modules


def test_what_comes_with_the_core_is_built_in():
    """Its own entry points declare it, as anybody's do."""
    assert Catalog.scan(PLUGINS).find("bus", "stdio").builtin


def test_kinds_that_the_core_does_not_know_are_overlooked(site):
    """A later version may have more."""
    site.install("task-future-x", kind="future")
    assert Catalog.scan(None, site.path).found == []


def test_an_unknown_name_gets_the_nearest_and_what_is_installed():
    """And where was looked, since it may be installed elsewhere."""
    catalog = Catalog([found("stdio"), found("file")])
    with pytest.raises(UnknownPluginError) as caught:
        catalog.find("bus", "stdoi")
    first, installed, where, place = str(caught.value).splitlines()
    assert first == "there is no bus 'stdoi': did you mean 'stdio'?"
    assert place.endswith("NAME://PLACE, as in file://tasks.json")
    assert installed == "installed: file, stdio"
    assert sys.executable in where


def test_a_url_that_a_name_can_not_begin_is_told():
    """The plugin is there: by its name alone it can be used."""
    catalog = Catalog([found("my_bus")])
    with pytest.raises(UnknownPluginError) as caught:
        catalog.choose("bus", "my_bus://x")
    assert "there is 'my_bus', whose name can begin no URL (" in str(caught.value)
    assert catalog.choose("bus", "my_bus")[0].name == "my_bus"


def test_a_name_that_this_project_has_says_what_to_install():
    """The usual first question."""
    with pytest.raises(
        UnknownPluginError, match=r"pip install \./plugins/task-bus-nsq"
    ):
        Catalog().find("bus", "nsq")


def test_the_core_knows_the_names_that_the_project_ships_and_no_others():
    """It would send people to packages that nobody makes."""
    plugins = Path(__file__).parents[3] / "plugins"
    shipped = {
        (GROUPS[group], name, file.parent.name)
        for file in plugins.glob("*/pyproject.toml")
        for group, points in tomllib.loads(file.read_text())["project"]
        .get("entry-points", {})
        .items()
        if group in GROUPS  # pytest's are not ours
        for name in points
    }
    known = {(*key, package) for key, package in SHIPPED.items()}
    assert known == shipped


def test_two_owners_are_a_conflict_that_names_both():
    """Which one would win must not depend on the disk."""
    owners = [found(distribution="task-b"), found(distribution="task-a")]
    with pytest.raises(PluginConflictError) as caught:
        Catalog(owners).find("bus", "x")
    assert str(caught.value) == (
        "bus 'x' is claimed by task-a 1.0 and task-b 1.0: pip uninstall task-b, hide it"
        " with TASK_PLUGINS_DISABLED=task-b or choose one by --bus task-a:x"
    )


@pytest.mark.parametrize("kind", ["bus", "worker", "taskmaster"])
@pytest.mark.parametrize(
    ("text", "url"),
    [("task-b:x", ""), ("task-b:x:rest", "x:rest"), ("task-b:x://h?a=1", "x://h?a=1")],
)
def test_one_of_two_owners_is_chosen_by_its_distribution(kind, text, url):
    """No need to uninstall anything."""
    owners = [found(kind=kind, distribution=name) for name in ("task-a", "task-b")]
    chosen, rest = Catalog(owners).choose(kind, text)
    assert (chosen.distribution, rest) == ("task-b", url)


@pytest.mark.parametrize(
    ("text", "url"), [("x", ""), ("x:rest", "x:rest"), ("x:./a.py", "x:./a.py")]
)
def test_a_name_may_have_a_url_behind_it(text, url):
    """Whatever that looks like."""
    plugin = found(kind="worker")
    assert Catalog([plugin]).choose("worker", text) == (plugin, url)


def test_one_object_under_one_name_is_no_conflict():
    """A renamed distribution leaves such twins behind."""
    twins = [found(distribution=name, value="m:o") for name in ("old", "new", "d")]
    catalog = Catalog([*twins, found("y")])
    assert catalog.find("bus", "x").distribution == "d"
    assert [f.name for f in catalog.found] == ["x", "y"]


def test_one_distribution_at_two_places_is_one_plugin(site, tmp_path):
    """As `lib` and `lib64` give it."""
    site.install("task-bus-x")
    link = tmp_path / "link"
    link.symlink_to(site.folder)
    assert Catalog.scan(path=[*site.path, str(link)]).find("bus", "x")


def test_a_built_in_name_cannot_be_taken():
    """A claim changes nothing, whatever the order."""
    owners = [found(distribution="a-first"), found(distribution="task-framework")]
    assert Catalog(owners).find("bus", "x") is owners[1]


@pytest.mark.usefixtures("unmeasured")
def test_what_is_installed_is_looked_up_only_for_names_that_others_bring(site):
    """Looking costs more than all the rest of the start."""
    (site.folder / "work.py").write_text("def work(info): ...")
    code = (
        "import sys; from task_core.discovery.catalog import Catalog;"
        "from task_core.discovery.loader import load;"
        "from task_core.builtin import PLUGINS;"
        "catalog = Catalog.scan(PLUGINS);"
        "load(catalog.find('bus', 'stdio'));"
        "load(catalog.choose('worker', 'echo')[0]);"
        f"load(catalog.choose('worker', '{site.folder}/work.py:work')[0]);"
        "assert not catalog.hooks;"
        "assert not {'importlib.metadata', 'stevedore'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_hooks_with_nothing_to_do_are_not_even_read(site, monkeypatch):
    """What is in the group `hooks_if_set` costs nothing until something is set."""
    site.install("task-hooks-x", kind="hooks_if_set", plugin="do-x")
    catalog = Catalog(path=site.path)
    toml = TomlFile("task.toml", "[hooks.do-x]\ntypes = ['a']\n")
    of_file = Configured(toml, {})
    of_variable = Configured(NoFile(), {"TASK_HOOKS_DO_X_TYPES": "a"})
    nothing = Configured(NoFile(), {"TASK_HOOKS_DO_X_TYPES": ""})
    for configured in (of_file, of_variable, None):
        (found,) = catalog.hooks_at_work(configured)
        assert found.name == "do-x"
    other = Configured(NoFile(), {"TASK_HOOKS_DONE_TYPES": "a"})
    assert catalog.hooks_at_work(other) == []
    monkeypatch.delattr("importlib.metadata.distributions")  # which reads them
    assert Catalog(path=site.path).hooks_at_work(nothing) == []


def test_hooks_are_seen_wherever_they_are(site, tmp_path, monkeypatch):
    """In folders, and in what only the standard library can read."""
    assert Catalog(path=site.path).hooks == []
    site.install("task-hooks-x", kind="hooks")
    assert [found.name for found in Catalog(path=site.path).hooks] == ["x"]
    group, hidden = "[task_core.hooks]", {"TASK_PLUGINS_DISABLED": "task-hooks-x"}
    assert mentions(site.path, group)
    assert not mentions(site.path, group, hidden)
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        for file in (site.folder / "task_hooks_x-1.0.dist-info").iterdir():
            bundle.write(file, f"task_hooks_x-1.0.dist-info/{file.name}")
    assert [found.name for found in Catalog(path=[str(archive)]).hooks] == ["x"]
    assert not mentions([str(tmp_path / "nowhere")], "[task_core.hooks]")

    class Finder:
        """Brings distributions from a place of its own."""

        find_distributions = None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert mentions([], "[task_core.hooks]")


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({}, ["a", "b", "c"]),
        ({"TASK_PLUGINS": "none"}, []),
        ({"TASK_PLUGINS": "task-bus-a, Task_Bus.B"}, ["a", "b"]),
        ({"TASK_PLUGINS_DISABLED": "task-bus-a"}, ["b", "c"]),
        (
            {
                "TASK_PLUGINS": "task-bus-a,task-bus-b",
                "TASK_PLUGINS_DISABLED": "task-bus-a",
            },
            ["b"],
        ),
    ],
)
def test_the_environment_chooses_the_distributions(site, env, names):
    """A way out when an installed plugin is in the way."""
    for name in "abc":
        site.install(f"task-bus-{name}", plugin=name)
    catalog = Catalog.scan(None, site.path, env)
    assert [*catalog.names("bus")] == names
    hidden = [f.name for f in catalog.disabled]
    assert sorted([*names, *hidden]) == ["a", "b", "c"]


def test_built_in_plugins_cannot_be_disabled():
    """`none` is meant to leave them."""
    env = {"TASK_PLUGINS": "none", "TASK_PLUGINS_DISABLED": "task-framework"}
    assert "stdio" in Catalog.scan(PLUGINS, env=env).names("bus")


def test_a_disabled_plugin_is_said_to_be_disabled(site):
    """Rather than not installed."""
    site.install("task-bus-x")
    catalog = Catalog.scan(None, site.path, {"TASK_PLUGINS": "none"})
    with pytest.raises(UnknownPluginError, match="task-bus-x 1.0 is disabled by"):
        catalog.find("bus", "x")


def test_a_program_can_bring_its_own_plugins():
    """Frozen programs have no metadata."""
    mine = WorkerPlugin(name="mine", summary="", make=lambda options: None)
    catalog = Catalog()
    catalog.register("worker", mine)
    assert catalog.find("worker", "mine").manifest is mine
    assert catalog.find("worker", "mine").owner == "this program"
