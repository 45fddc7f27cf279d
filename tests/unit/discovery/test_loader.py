"""Rules of `task_core.discovery.loader`. How breakages read: tests/discovery."""

from pathlib import Path

import pytest

from task_core.api.plugin import API_VERSIONS, WorkerPlugin
from task_core.builtin import PLUGINS
from task_core.discovery.catalog import Catalog
from task_core.discovery.found import Found
from task_core.discovery.loader import load
from task_core.errors import (
    PluginContractError,
    PluginImportError,
    PluginVersionError,
)

WORKER = """
from task_core.api import WorkerPlugin

plugin = WorkerPlugin(name="{name}", summary="", make=lambda options: None, api={api})
"""


def install(site, source, kind="worker"):
    site.install("task-worker-x", kind=kind, source=source)
    return Catalog.scan(path=site.path).find(kind, "x")


def test_a_good_plugin_is_loaded(site):
    """The manifest itself, not invoked."""
    plugin = load(install(site, WORKER.format(name="x", api=1)))
    assert isinstance(plugin, WorkerPlugin)


@pytest.mark.parametrize("kind", ["bus", "worker"])
def test_every_built_in_plugin_fits_its_entry_point(kind):
    """The core keeps its own rules."""
    catalog = Catalog.scan(PLUGINS)
    for found in catalog.found:
        if found.kind == kind and found.builtin:
            assert load(found).name == found.name


@pytest.mark.parametrize("error", ["SystemExit(3)", "AssertionError('a')", "OSError()"])
def test_whatever_an_import_raises_becomes_an_import_error(site, error):
    """Also what other loaders let through; the cause is kept for `--debug`."""
    with pytest.raises(PluginImportError) as caught:
        load(install(site, f"raise {error}"))
    assert caught.value.__cause__ is not None
    assert "task-worker-x 1.0 (task_worker_x_mod:plugin)" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["import no_such_module", "import task_core.no"])
@pytest.mark.parametrize(
    "requires", ["Author: Andr\xe9", "Requires-Dist: task-framework (>dev)"]
)
def test_metadata_that_cannot_be_read_hide_no_cause(site, source, requires):
    """They are asked for a remedy only."""
    found = install(site, source)
    metadata = f"Name: task-worker-x\nVersion: 1.0\n{requires}\n"
    (Path(found.location) / "METADATA").write_bytes(metadata.encode("latin-1"))
    with pytest.raises(PluginImportError, match="No module|which is not there"):
        load(found)


def test_an_interrupt_is_no_broken_plugin(site):
    """Ctrl-C always works."""
    with pytest.raises(KeyboardInterrupt):
        load(install(site, "raise KeyboardInterrupt"))


def test_a_module_that_makes_its_objects_late_may_fail_then(site):
    """Looking up the manifest is code of the plugin, too."""
    source = "def __getattr__(name):\n    raise ValueError(name)\n"
    with pytest.raises(PluginImportError, match="ValueError: plugin"):
        load(install(site, source))


@pytest.mark.parametrize(("api", "code"), [(0, "P03"), (99, "P04")])
def test_an_api_number_out_of_range_is_a_version_error(site, api, code):
    """The range is that of the core."""
    oldest, newest = API_VERSIONS["worker"]
    assert not oldest <= api <= newest
    with pytest.raises(PluginVersionError) as caught:
        load(install(site, WORKER.format(name="x", api=api)))
    assert caught.value.code == code


def test_an_api_number_is_a_number(site):
    """`"1"` would compare with nothing."""
    with pytest.raises(PluginContractError, match="API '1'"):
        load(install(site, WORKER.format(name="x", api="'1'")))


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("plugin = []", "a list"),
        ("plugin = object()", "an object"),
        ("class plugin: pass", "the class plugin"),
        ("from task_core.api import WorkerPlugin as plugin", "the class WorkerPlugin"),
    ],
)
def test_what_is_no_manifest_is_called_by_its_type(site, source, what):
    """An empty list is no "not found": truth values do not matter."""
    with pytest.raises(
        PluginContractError, match=f"it names {what}, not a WorkerPlugin"
    ):
        load(install(site, source))


def test_a_function_that_is_no_manifest_wants_its_decorator(site):
    """It is what a first package most often lacks."""
    with pytest.raises(PluginContractError, match="a function, not a W") as caught:
        load(install(site, "def plugin(info): ..."))
    assert caught.value.fix == "its author can put @worker above it"


def test_hooks_may_be_any_object(site):
    """Also a false one, or a module."""
    assert load(install(site, "plugin = []", kind="hooks")) == []
    module = Found(kind="hooks", name="x", value="task_worker_x_mod")
    assert load(module).plugin == []


def test_a_registered_manifest_is_checked_as_well():
    """Programs make the same mistakes."""
    with pytest.raises(PluginContractError) as caught:
        load(Found(kind="bus", name="x", manifest=[]))
    assert str(caught.value) == (
        "bus 'x' of this program: it names a list, not a BusPlugin: tell its author"
    )


@pytest.mark.parametrize(
    ("field", "cause"),
    [
        ("task_type=5", "its task_type must be a text, not 5"),
        ("strict='no'", "its strict must be True or False, not 'no'"),
        ("defaults={'a': 1}", "its defaults must be RunDefaults(…), not {'a': 1}"),
        ("type_of=3", "its type_of must be a function, not 3"),
        ("options=dict", "options must be an attrs class, not <class 'dict'>"),
    ],
)
def test_a_field_of_a_manifest_that_makes_no_sense_is_told(site, field, cause):
    """When it is loaded: nothing of it is tried that would fail in our own code."""
    source = WORKER.format(name="x", api=1).replace("api=1", field)
    with pytest.raises(PluginContractError) as caught:
        load(install(site, source))
    assert str(caught.value) == (
        "worker 'x' of task-worker-x 1.0 (task_worker_x_mod:plugin):"
        f" {cause}: tell its author"
    )


def test_an_option_of_a_wrong_type_is_told_with_whose_it_is(site):
    """At a launch as by the doctor."""
    options = "import attrs\n@attrs.frozen\nclass O:\n    n: dict = 3\n"
    source = options + WORKER.format(name="x", api=1).replace("api=1", "options=O")
    with pytest.raises(PluginContractError, match="of task-worker-x 1.0 .*O.n: an "):
        load(install(site, source))
