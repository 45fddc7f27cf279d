"""The rules that keep the house in order: who may import whom, and where."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .source import ROOT, imports, late_imports, modules

MODULES = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
PACKAGES = {module.name for module in modules() if module.path.name == "__init__.py"}

# A manifest is light: what it opens or makes is loaded then. `hookimpl` needs pluggy,
# and the contracts need pytest. Discovery loads what few starts need when one does.
HIDDEN = {
    "task_core.config.bus": {"read_toml"},  # few starts have a file
    "task_core.config.resolve": {"_see_"},  # good options need no words
    "task_core.config.selection": {"_layers", "_without_secrets"},  # a name will do
    "task_core.cli.commands": {
        "_command_of_a_plugin",
        "_source",
        "_summaries",  # only help needs them
        "invoke",
    },
    "task_core.cli.command_context": {
        "launches",
        "supervise",
    },  # few commands launch anything
    "task_core.client.connect": {"_find_claims", "_open"},  # few clients need them
    "task_core.api.consumer": {"_ledger"},  # a pipe holds nothing
    "task_core.cli.hooks": {"_claimed", "_name_of", "load_hooks", "strays"},
    "task_core.discovery.claims": {"_nobody"},  # who has it, needs no hint
    "task_core.cli.logs": {"errors_as_lines"},  # only who mistypes needs it
    "task_core.cli.render": {"_columns"},  # few tables have more than ASCII
    "task_core.cli.main": {"_show_usage", "_show_bug"},  # likewise
    "task_core.cli.plugins": {"_facts", "doctor"},
    "task_core.discovery.catalog": {"_installed", "_local", "find", "manifest"},
    "task_core.discovery.findings": {"_packaging"},
    "task_core.discovery.guard": {"__call__", "blame"},
    "task_core.discovery.hooks": {"_made", "_register"},  # good ones need no words
    "task_core.discovery.loader": {"_check_type", "_driver", "explained", "load"},
    "task_core.api": {"__getattr__"},
    "task_core.api.plugin": {"task"},  # a launch makes none
    "task_core.builtin.buses": {"_open_"},
    "task_core.builtin.streams": {"_open_"},
    "task_core.builtin.workers": {"_make_"},
    "task_core.errors": {"nearest"},  # difflib: few starts need it
    "task_core.fields": {"_of_dataclass"},  # dataclasses: few workers have any
    "task_core.cli.buses": {"open_bus", "open_selected"},  # few have two, or a prefix
    "task_core.cli.launch": {"_launch", "_refuse_one_topic"},  # help runs nothing
    "task_core.cli.command": {"_reasons"},  # only who mistypes needs it
    # Not for most.
    "task_core.cli.run_launch": {
        "_tell_mistyped_tables",
        "_together",
        "narrated",
        "serving_of",
        "count",
    },
    # What few launches need.
    "task_core.launcher.launcher": {"facts", "_assemble", "_loop"},
    "task_core.launcher.parts": {"make_slots", "make_pool", "usable_bus"},  # asyncio
    # Few have hooks on runs, or timeouts.
    "task_core.launcher.run": {"make_run", "make_async_run", "_timed", "limit"},
    "task_core.launcher.timeouts": {"limited_async"},  # likewise
    "task_core.launcher.loop": {"_make_drain"},
    "task_core.launcher.taskmasters.loop": {"_run"},  # few have several loops
    "task_core.launcher.outbox": {"flush"},  # few launches meet what a bus refuses
    "task_core.dead": {"_digest"},  # cut dead letters
    "task_core.info": {"_shape_of"},  # for whoever reads many alike
    "task_core.shown": {"_forms", "printable_json"},  # few have secrets
    "task_core.uri": {"quote", "unquote"},  # urllib: few have anything escaped
    "task_core.wire": {"_in_order"},  # odd tasks
    "task_testing": {"__getattr__"},
}
# Who may know a library. attrs and msgspec are the language of the whole house.
OWNERS = {
    "attr": ("task_core",),
    "attrs": ("task_core",),
    "click": ("task_core.cli",),
    "msgspec": ("task_core",),
    "packaging": ("task_core.discovery.findings",),
    "pluggy": ("task_core.api.hooks", "task_core.discovery.hooks"),
    "pytest": ("task_testing",),
    "watchfiles": ("task_core.supervisor.sources",),
    "stevedore": ("task_core.discovery.drivers",),
}


def layers():
    """Return the floors of the import contract, the highest first."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contract = tomllib.loads(text)["tool"]["importlinter"]["contracts"][0]
    return [layer.split(" | ") for layer in contract["layers"]]


def room(name):
    """Return the first part below the package: `task_core.api.bus` is in `api`."""
    return [*name.split("."), ""][1]


def floor(name):
    """Return how far a module is from the roof."""
    return next(i for i, rooms in enumerate(layers()) if room(name) in rooms)


def test_the_floors_are_kept():
    """import-linter holds the contracts of pyproject.toml."""
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        pytest.skip("import-linter is not installed here; `nox -s lint` has it")
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@MODULES
def test_imports_hide_only_in_manifests(module):
    """An import inside a function is a secret; a manifest's is its purpose."""
    allowed = tuple(HIDDEN.get(module.name, ()))
    hidden = [found for found in imports(module) if found.function]
    others = [found for found in hidden if not found.function.startswith(allowed)]
    assert others == [], "load it at the top, or name it in HIDDEN with a reason"


@MODULES
def test_what_is_loaded_late_lies_below_as_well(module):
    """`import_module` saves time at the start; it is no way around the floors."""
    for found in late_imports(module):
        if found.target.startswith("task_core."):
            same = room(found.target) == room(module.name)
            assert same or floor(found.target) > floor(module.name), found


@MODULES
def test_late_imports_name_modules_that_exist(module):
    """A typing error would be met by the one user who gets there."""
    names = {other.name for other in modules()}
    for found in late_imports(module):
        assert not found.target.startswith("task_core") or found.target in names, found


@MODULES
def test_imports_are_absolute(module):
    """A reader sees at once where a name comes from."""
    assert not [found for found in imports(module) if found.target.startswith(".")]


@MODULES
def test_no_module_imports_its_own_package(module):
    """It would load the package's whole surface, and often itself."""
    own = {module.name.rpartition(".")[0]} if module.name not in PACKAGES else set()
    assert not own & {found.target for found in imports(module)}


@MODULES
def test_the_core_imports_names_from_the_module_that_makes_them(module):
    """`task_core.api` is for plugin authors."""
    used = [found.target for found in imports(module)]
    assert module.name == "task_core.api" or "task_core.api" not in used


@MODULES
def test_each_library_has_its_owner(module):
    """A library that many know can never be replaced."""
    for found in [*imports(module), *late_imports(module)]:
        library = found.target.partition(".")[0]
        if library in {*sys.stdlib_module_names, "task_core"}:
            continue
        assert library in OWNERS, f"{library} is no dependency"
        owners = OWNERS[library]
        assert any(f"{module.name}.".startswith(f"{owner}.") for owner in owners)
