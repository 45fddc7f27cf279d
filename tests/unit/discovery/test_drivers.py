"""Rules of `task_core.discovery.drivers`: what stevedore does for us, and what not."""

import subprocess
import sys

from task_core.discovery.drivers import load_driver, load_drivers
from task_core.discovery.found import Found

PRESENT = """
import sys
from task_core.discovery.drivers import load_driver
from task_core.discovery.found import Found

load_driver(Found(kind="bus", name="x", value="os:sep", distribution="d"))
print(*sys.modules)
"""


def installed(value, name="x", **more):
    return Found(kind="hooks", name=name, value=value, distribution="d", **more)


def test_only_the_one_that_was_chosen_is_imported(site):
    """Though others claim the same name."""
    for name in ("task-hooks-a", "task-hooks-b"):
        site.install(name, kind="hooks", source="plugin = object()")
    load_driver(installed("task_hooks_a_mod:plugin"))
    assert "task_hooks_a_mod" in sys.modules
    assert "task_hooks_b_mod" not in sys.modules


def test_an_object_that_is_false_is_found(site):
    """`driver` of stevedore takes it for none."""
    site.install("task-hooks-x", kind="hooks", source="plugin = ()")
    assert load_driver(installed("task_hooks_x_mod:plugin")) == ()


def test_one_that_fails_keeps_no_other_from_being_loaded(site):
    """Whatever it raises, also what stevedore lets through."""
    sources = {"a": "raise SystemExit(1)", "b": "assert False", "c": "1 / 0"}
    for name, source in {**sources, "d": "plugin = 4"}.items():
        site.install(f"task-hooks-{name}", kind="hooks", source=source)
    found = [installed(f"task_hooks_{name}_mod:plugin", name) for name in "abcd"]
    failed = []
    loaded = load_drivers(found, lambda one, error: failed.append((one.name, error)))
    assert loaded == [(found[3], 4)]
    assert [(name, type(error).__name__) for name, error in failed] == [
        ("a", "SystemExit"),
        ("b", "AssertionError"),
        ("c", "ZeroDivisionError"),
    ]


def test_two_hook_plugins_may_have_one_name(site):
    """They are not chosen by it."""
    for name in ("task-hooks-a", "task-hooks-b"):
        site.install(name, kind="hooks", source=f"plugin = {name!r}")
    found = [installed(f"task_hooks_{name}_mod:plugin") for name in "ab"]
    loaded = load_drivers(found, lambda one, error: None)
    assert sorted(plugin for _, plugin in loaded) == ["task-hooks-a", "task-hooks-b"]


def test_no_cache_is_written_to_the_home_folder(tmp_path):
    """It would be stale after an upgrade, and some homes cannot be written."""
    env = {"HOME": str(tmp_path), "PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", PRESENT],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "stevedore.driver" in done.stdout.split()
    assert list(tmp_path.iterdir()) == []
