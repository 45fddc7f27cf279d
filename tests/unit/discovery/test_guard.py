"""Rules of `task_core.discovery.guard`: a plugin's own errors name whose they are."""

import sys

import attrs
import pytest

from task_core.api.bus import BusContext
from task_core.api.plugin import NoOptions
from task_core.config.selection import Selector
from task_core.config.sources import NoFile, Section
from task_core.discovery.catalog import Catalog
from task_core.discovery.guard import blaming
from task_core.discovery.loader import load
from task_core.errors import BusConnectionError, FrameworkError, PluginError
from task_core.launcher.signature import make_call
from task_core.launcher.taskmasters.loop import TaskmasterLoop
from task_core.options import option

BUS = """
from task_core.api import BusConnectionError, BusPlugin, Capabilities

def _open(options, context):
    {body}

plugin = BusPlugin(
    name="x", summary="", capabilities=Capabilities(), open={open}
)
"""
WORKER = """
from task_core.api import Worker, worker

@worker(name="x")
class Load(Worker):
    def __init__(self):
        {body}

    def do_task(self, ctx): ...

plugin = Load
"""


@attrs.frozen
class Launch:
    """Selects a worker."""

    worker: str | None = option(None, help="Who.")


LAUNCH = Section(options=Launch, table=("launch",))


def opened(site, body="", open_="_open"):
    source = BUS.format(body=body or "pass", open=open_)
    site.install("task-bus-x", source=source, requires=["no-client>=2"])
    manifest = load(Catalog(path=site.path).find("bus", "x"))
    return manifest.open(NoOptions(), BusContext())


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("raise ValueError('no')", "opening it failed: ValueError: no (task_bus"),
        ("raise SystemExit(3)", "opening it failed: it ends the process (3)"),
        ("import no_client", "it needs the module 'no_client', which is not there"),
        ("return None", "opening it gives None, not a Bus"),
        ("return {}", "opening it gives a dict, not a Bus"),
    ],
)
def test_a_bus_that_cannot_be_opened_is_one_line_that_names_its_distribution(
    site, body, cause
):
    """It is no bug of the framework."""
    with pytest.raises(PluginError) as caught:
        opened(site, body)
    text = str(caught.value)
    assert text.startswith("bus 'x' of task-bus-x 1.0 (task_bus_x_mod:plugin): ")
    assert cause in text
    assert "\n" not in text
    assert caught.value.exit_code == 3


def test_a_missing_client_is_told_with_what_installs_it(site):
    """As when it is missing at the import of the manifest."""
    with pytest.raises(PluginError, match=r"pip install 'no-client>=2'"):
        opened(site, "import no_client")


@pytest.mark.parametrize("error", [BusConnectionError, KeyboardInterrupt])
def test_what_is_no_fault_of_the_plugin_is_let_through(site, error):
    """The broker may be away, a person impatient."""
    with pytest.raises(error, match="away"):
        opened(site, f"raise {error.__name__}('away')")


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        ("no_module:open", "it needs the module 'no_module'"),
        ("os:no_function", "no_function"),
        ("task_bus_x_mod.bus:open", "its own module 'task_bus_x_mod.bus'"),
    ],
)
def test_a_function_that_stands_as_text_is_imported_when_it_is_used(site, place, cause):
    """And fails as one that is there."""
    with pytest.raises(PluginError) as caught:
        opened(site, open_=repr(place))
    assert cause in str(caught.value)
    assert "of task-bus-x 1.0" in str(caught.value)


def test_a_bus_may_be_opened_by_a_function_that_stands_as_text(site):
    """The manifest need not import anything."""
    source = "def make(options, context):\n    raise KeyError('it was called')\n"
    (site.folder / "late_open.py").write_text(source)
    with pytest.raises(PluginError, match="KeyError: 'it was called'"):
        opened(site, open_="'late_open:make'")
    assert "late_open" in sys.modules


def test_a_worker_that_cannot_be_made_is_one_line_too(site):
    """Installed or in a file."""
    source = WORKER.format(body="1 / 0")
    site.install("task-worker-x", kind="worker", source=source)
    with pytest.raises(PluginError, match=r"of task-worker-x 1.0 .* ZeroDivisionError"):
        load(Catalog(path=site.path).find("worker", "x")).make(NoOptions())
    (site.folder / "work.py").write_text(source)
    with pytest.raises(FrameworkError, match=r"work.py:Load'.*\(work.py:7\): mend it"):
        Catalog().manifest("worker", f"{site.folder}/work.py:Load")[0].make(NoOptions())


@pytest.mark.parametrize(
    ("first", "make", "cause", "fix"),
    [
        ("def f(info: str): return 'x'", "f", "a str", "make=lambda options: FUNCTION"),
        ("class F: ...", "lambda options: F()", "a F", "class F(Worker)"),
        ("class F: ...", "lambda options: F", "the class F", "class F(Worker)"),
    ],
)
def test_what_is_no_worker_is_told_with_whose_it_is(site, first, make, cause, fix):
    """Most often `make` is the worker itself, or a class has no base."""
    plugin = f"WorkerPlugin(name='x', summary='X.', make={make})"
    source = f"from task_core.api import WorkerPlugin\n{first}\nplugin = {plugin}\n"
    site.install("task-worker-x", kind="worker", source=source)
    with pytest.raises(PluginError) as caught:
        load(Catalog(path=site.path).find("worker", "x")).make(NoOptions())
    wanted = ", not a Worker or the function that does tasks"
    assert caught.value.cause == f"making it gives {cause}{wanted}"
    assert caught.value.fix == f"its author can write {fix}"


def test_a_class_in_a_file_that_is_no_worker_is_told_with_what_to_write(site):
    """Whoever reads that is its author."""
    source = "from task_core.api import worker\n@worker\nclass Load: ...\n"
    (site.folder / "work.py").write_text(source)
    with pytest.raises(PluginError) as caught:
        Catalog().manifest("worker", f"{site.folder}/work.py")[0].make(NoOptions())
    wanted = "not a Worker or the function that does tasks: write class Load(Worker)"
    assert str(caught.value).endswith(f": making it gives a Load, {wanted}")


def test_a_worker_that_cannot_be_called_is_its_distributions(site):
    """And ends the launch with 3, as every broken plugin."""
    source = (
        "from task_core.api import worker\n@worker(name='x')\ndef plugin(): 'Do.'\n"
    )
    site.install("task-worker-x", kind="worker", source=source)
    with pytest.raises(PluginError) as caught:
        make_call(load(Catalog(path=site.path).find("worker", "x")))
    assert str(caught.value).startswith(
        "worker 'x' of task-worker-x 1.0 (task_worker_x_mod:plugin): worker 'plugin'"
        " must take one parameter"
    )
    assert caught.value.exit_code == 3


def test_a_taskmaster_without_loops_is_its_distributions(site):
    """What comes of it is not known before it is asked."""
    source = (
        "from task_core.api import Taskmaster, taskmaster\n"
        "@taskmaster(name='x')\nclass plugin(Taskmaster):\n"
        "    'Do.'\n    def loops(self): return []\n"
    )
    site.install("task-master-x", kind="taskmaster", source=source)
    plugin = load(Catalog(path=site.path).find("taskmaster", "x"))
    whose = "of task-master-x 1.0 .*plugin.loops"
    with pytest.raises(PluginError, match=whose), blaming(plugin):
        TaskmasterLoop(plugin.make(NoOptions()), None)


def test_a_default_that_its_own_option_refuses_is_not_the_users_fault(site):
    """It names whose it is, and ends the launch with 3."""
    source = (
        "import attrs\nfrom task_core.api import option, worker\n"
        "@attrs.frozen\nclass O:\n"
        "    n: int = option(0, help='N.', validator=attrs.validators.ge(1))\n"
        "@worker(name='x', options=O)\ndef plugin(info): 'Do.'\n"
    )
    site.install("task-worker-x", kind="worker", source=source)
    catalog = Catalog(path=site.path)
    selector = Selector(LAUNCH, catalog, NoFile(), {})

    def said(section):
        return {"worker": ("x",)} if section is LAUNCH else {}

    with pytest.raises(PluginError) as caught:
        selector.resolve(said, selector.select(said))
    assert str(caught.value) == (
        "worker 'x' of task-worker-x 1.0 (task_worker_x_mod:plugin): its option 'n'"
        " refuses its own default: must be >= 1, got 0: tell its author"
    )
