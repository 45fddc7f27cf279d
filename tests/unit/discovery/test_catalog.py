"""Rules of `task_core.discovery.catalog`."""

import sys

import pytest

from task_core.api.plugin import WorkerPlugin
from task_core.discovery.catalog import Catalog
from task_core.discovery.found import Found
from task_core.errors import PluginConflictError, UnknownPluginError


def found(name="x", kind="bus", **more):
    facts = {"value": f"{more.get('distribution', 'd')}:o", "version": "1.0"}
    return Found(kind=kind, name=name, **{"distribution": "d", **facts, **more})


def test_a_plugin_is_found_without_importing_it(site):
    """Its module need not even be there."""
    location = site.install("task-bus-x")
    plugin = Catalog.scan(site.path).find("bus", "x")
    assert (plugin.distribution, plugin.version) == ("task-bus-x", "1.0")
    assert plugin.value == "task_bus_x_mod:plugin"
    assert plugin.location == str(location)
    assert not plugin.builtin
    assert "task_bus_x_mod" not in sys.modules


def test_what_comes_with_the_core_is_built_in():
    """Its own entry points declare it, as anybody's do."""
    assert Catalog.scan().find("bus", "stdio").builtin


def test_kinds_that_the_core_does_not_know_are_overlooked(site):
    """A later version may have more."""
    site.install("task-future-x", kind="future")
    assert Catalog.scan(site.path).found == []


def test_an_unknown_name_gets_the_nearest_and_what_is_installed():
    """And where was looked, since it may be installed elsewhere."""
    catalog = Catalog([found("stdio"), found("file")])
    with pytest.raises(UnknownPluginError) as caught:
        catalog.find("bus", "stdoi")
    first, installed, where = str(caught.value).splitlines()
    assert first == "there is no bus 'stdoi': did you mean 'stdio'?"
    assert installed == "installed: file, stdio"
    assert sys.executable in where


def test_a_name_that_this_project_has_says_what_to_install():
    """The usual first question."""
    with pytest.raises(UnknownPluginError, match="pip install task-bus-nsq"):
        Catalog().find("bus", "nsq")


def test_two_owners_are_a_conflict_that_names_both():
    """Which one would win must not depend on the disk."""
    owners = [found(distribution="task-b"), found(distribution="task-a")]
    with pytest.raises(PluginConflictError) as caught:
        Catalog(owners).find("bus", "x")
    assert str(caught.value) == (
        "bus 'x' is claimed by task-a 1.0 and task-b 1.0: pip uninstall task-b or hide"
        " it with TASK_PLUGINS_DISABLED=task-b"
    )


def test_a_worker_in_conflict_can_be_chosen_by_its_module():
    """No need to uninstall anything."""
    owners = [found(kind="worker", distribution=name) for name in ("a", "b")]
    with pytest.raises(PluginConflictError, match="or choose one by --worker b:o"):
        Catalog(owners).find("worker", "x")


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
    assert Catalog.scan([*site.path, str(link)]).find("bus", "x")


def test_a_built_in_name_cannot_be_taken():
    """A claim is a conflict, whatever the order."""
    owners = [found(distribution="a-first"), found(distribution="task-framework")]
    with pytest.raises(PluginConflictError, match="built-in names are reserved"):
        Catalog(owners).find("bus", "x")


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
    catalog = Catalog.scan(site.path, env)
    assert catalog.names("bus") == names
    hidden = [f.name for f in catalog.disabled]
    assert sorted(names + hidden) == ["a", "b", "c"]


def test_built_in_plugins_cannot_be_disabled():
    """`none` is meant to leave them."""
    env = {"TASK_PLUGINS": "none", "TASK_PLUGINS_DISABLED": "task-framework"}
    assert "stdio" in Catalog.scan(env=env).names("bus")


def test_a_disabled_plugin_is_said_to_be_disabled(site):
    """Rather than not installed."""
    site.install("task-bus-x")
    catalog = Catalog.scan(site.path, {"TASK_PLUGINS": "none"})
    with pytest.raises(UnknownPluginError, match="task-bus-x 1.0 is disabled by"):
        catalog.find("bus", "x")


def test_a_program_can_bring_its_own_plugins():
    """Frozen programs have no metadata."""
    mine = WorkerPlugin(name="mine", summary="", make=lambda options: None)
    catalog = Catalog()
    catalog.register("worker", mine)
    assert catalog.find("worker", "mine").manifest is mine
    assert catalog.find("worker", "mine").owner == "this program"
