"""Rules of `task_core.cli.hooks`."""

import subprocess
import sys
import types

import pytest

from task_core.api import hookimpl
from task_core.cli.hooks import Configured, load_hooks
from task_core.config.bus import read_toml
from task_core.config.sources import NoFile
from task_core.discovery.catalog import Catalog
from task_core.errors import FrameworkError, OptionError, PluginContractError


@hookimpl
def heard_of(task):
    """Hear of it."""


WITHOUT = """
import sys
from task_core.builtin import PLUGINS
from task_core.cli.hooks import Configured, load_hooks
from task_core.discovery.catalog import Catalog
hooks = load_hooks(Catalog())
assert hooks.observer("task_started") is None
assert hooks.decider("task_should_run") is None
assert "pluggy" not in sys.modules
"""


def test_without_hook_plugins_nobody_is_asked_and_no_engine_loaded():
    """The usual case costs nothing, neither at the start nor for a task."""
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)


def test_installed_hooks_are_told():
    """Those of the catalog, and of no other kind."""
    heard = []

    @hookimpl
    def task_settled(task):
        heard.append(task)

    catalog = Catalog()
    catalog.register("hooks", types.SimpleNamespace(task_settled=task_settled), "mine")
    tell = load_hooks(catalog).observer("task_settled")
    tell(task="a task")
    assert heard == ["a task"]


def test_a_broken_hook_plugin_is_left_out_with_a_warning(caplog):
    """Watching is a service; a launcher must not fail for it."""
    catalog = Catalog()
    catalog.register("hooks", types.SimpleNamespace(), "empty")
    assert load_hooks(catalog).observer("task_settled") is None
    assert "left out: hooks 'empty'" in caplog.text
    assert "it implements no hook" in caplog.text


@pytest.mark.parametrize("kind", ["worker", "bus"])
def test_plugins_of_other_kinds_are_not_asked(kind):
    """Nor imported: this one could not be."""
    catalog = Catalog()
    catalog.register(kind, object(), "other")
    assert load_hooks(catalog).observer("task_settled") is None


WATCH = """
from task_core.api import hookimpl

heard = []

@hookimpl
def task_settled(task):
    heard.append(task)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("my_watch", None)


def test_a_file_of_hooks_may_be_given(here):
    """No packaging is needed to watch."""
    (here / "my_watch.py").write_text(WATCH)
    load_hooks(Catalog(), ["./my_watch.py"]).observer("task_settled")(task="a task")
    assert sys.modules["my_watch"].heard == ["a task"]


def test_hooks_that_are_named_twice_are_told_once(here):
    """By a flag and in a file, or by two paths."""
    (here / "my_watch.py").write_text(WATCH)
    paths = ["./my_watch.py", "./my_watch.py", str(here / "my_watch.py"), "my_watch.py"]
    load_hooks(Catalog(), paths).observer("task_settled")(task="a task")
    assert sys.modules["my_watch"].heard == ["a task"]


@pytest.mark.parametrize(
    ("source", "error"),
    [("x = 1\n", "it implements no hook"), ("1 / 0\n", "cannot be imported")],
)
def test_hooks_that_were_asked_for_must_work(here, source, error):
    """Whoever names them relies on them."""
    (here / "my_watch.py").write_text(source)
    with pytest.raises(FrameworkError, match=error):
        load_hooks(Catalog(), ["./my_watch.py"])


def test_installed_hooks_can_be_required():
    """A decider that is left out forbids nothing."""
    catalog = Catalog()
    catalog.register("hooks", types.SimpleNamespace(), "empty")
    with pytest.raises(PluginContractError, match="it implements no hook"):
        load_hooks(catalog, required=True)


@pytest.mark.parametrize(
    ("table", "hint"),
    [
        ("watchs", "no hooks 'watchs' are installed: did you mean 'watch'?"),
        ("once", "no hooks 'once' are installed; to get it: pip install task-hooks-o"),
        ("their_own", "nothing reads [hooks.their_own]: no hooks 'their_own' are ins"),
    ],
)
def test_settings_of_hooks_that_are_not_there_are_told(tmp_path, caplog, table, hint):
    """Nothing protects what they were to protect."""
    (tmp_path / "task.toml").write_text(f"[hooks.{table}]\na = 1\n[hooks.watch]\n")
    toml = read_toml(str(tmp_path / "task.toml"))
    catalog = Catalog()
    catalog.register("hooks", types.SimpleNamespace(task_settled=heard_of), "watch")
    load_hooks(catalog, toml=toml)
    assert hint in caplog.text
    with pytest.raises(OptionError, match=table):
        load_hooks(catalog, toml=toml, required=True)


def test_hooks_are_not_set_by_the_variables_of_others():
    """Those of a longer name: the others would start with nothing set."""
    names = ["once", "once-more"]
    environment = {"TASK_HOOKS_ONCE_MORE_PREFIX": "x"}
    configured = Configured(NoFile(), environment, names)
    assert "once-more" in configured
    assert "once" not in configured
    configured = Configured(NoFile(), {"TASK_HOOKS_ONCE_MROE": "x"}, names)
    assert "once" in configured


def test_a_launch_lets_variables_of_hooks_with_a_longer_name_through(
    task, install, monkeypatch
):
    """They ended it before."""
    for name in ("seen", "seen-more"):
        install("hooks", name, HOOKS.replace("NAME", name))
    monkeypatch.setenv("TASK_HOOKS_SEEN_MORE_PREFIX", "x")
    done = task("launch", "--worker", "echo")
    assert (done.code, "prefix" in done.err) == (0, False)


def test_variables_of_hooks_that_are_not_there_are_told(monkeypatch, caplog):
    """As tables are."""
    monkeypatch.setenv("TASK_HOOKS_ONC_TYPES", "x")
    load_hooks(Catalog())
    assert "environment TASK_HOOKS_ONC_TYPES: nothing reads it" in caplog.text


HOOKS = """
import attrs
from task_core.api import HooksPlugin, hookimpl, option

@attrs.frozen(kw_only=True)
class Options:
    prefix: str = option('-', help='What to watch.')

class Watch:
    def __init__(self, options):
        self.heard = options.prefix

    @hookimpl
    def task_settled(self, task):
        pass

plugin = HooksPlugin(name='NAME', summary='S.', options=Options, make=Watch)
"""


def test_hooks_of_a_file_are_set_by_the_name_of_their_manifest(
    here, monkeypatch, caplog
):
    """And nobody is told that nothing reads it."""
    (here / "my_watch.py").write_text(
        "import attrs\n"
        "from task_core.api import HooksPlugin, hookimpl, option\n"
        "@attrs.frozen(kw_only=True)\n"
        "class Options:\n"
        "    prefix: str = option('x', help='What to watch.')\n"
        "class Watch:\n"
        "    def __init__(self, options):\n"
        "        self.heard = options.prefix\n"
        "    @hookimpl\n"
        "    def task_settled(self, task):\n"
        "        task.append(self.heard)\n"
        "plugin = HooksPlugin(name='seen', summary='S.', options=Options, make=Watch)\n"
    )
    monkeypatch.setenv("TASK_HOOKS_SEEN_PREFIX", "set")
    heard = []
    load_hooks(Catalog(), ["./my_watch.py:plugin"]).observer("task_settled")(task=heard)
    assert heard == ["set"]
    assert not caplog.text
