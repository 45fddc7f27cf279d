"""Rules of `task_core.discovery.making`: what is free to make shows what is wrong."""

import pytest

from task_core.discovery.catalog import Catalog
from task_core.discovery.loader import load
from task_core.discovery.making import make_freely
from task_core.discovery.probe import examine
from task_core.errors import PluginError

FIRST = "from task_core.api import *\nfrom task_core.api import worker, taskmaster\n"
MAKE = "plugin = WorkerPlugin(name='x', summary='X.', make={})\n"
INIT = "def __init__(self): self.made = open('made', 'w')"
CLASS = "@{kind}(name='x')\nclass plugin({base}):\n    'Do.'\n    {body}\n"


def plugin_of(site, kind, source):
    site.install("dist-x", kind=kind, source=FIRST + source)
    found = Catalog(path=site.path).find(kind, "x")
    return found, load(found)


def of_class(kind, body, base):
    return CLASS.format(kind=kind, base=base, body=body)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("def f(info: str): ...\n" + MAKE.format("f"), "`make` takes the options and"),
        ("def f(info: str): ...\n" + MAKE.format("'dist_x_mod:f'"), "`make` takes the"),
        ("def f(o): return 'x'\n" + MAKE.format("f"), "making it gives a str, not a"),
        ("def f(o): raise OSError(o)\n" + MAKE.format("f"), "`make` never returns"),
        (of_class("worker", "do_task = 1", "object"), "making it gives a plugin, not"),
        (of_class("worker", "do_it = 1", "Worker"), "the class plugin has no do_task"),
        (
            of_class("worker", "do_task = __init__ = lambda self, a: None", "Worker"),
            "plugin(a) is made with no arguments",
        ),
        (
            of_class(
                "worker",
                "def __init__(self): raise KeyError('no')\n    do_task = 1",
                "Worker",
            ),
            "plugin.__init__ never returns",
        ),
    ],
)
def test_a_worker_that_could_never_be_made_is_told(site, source, cause):
    """Without making it, where that may do something."""
    found, manifest = plugin_of(site, "worker", source)
    with pytest.raises(PluginError) as caught:
        make_freely(found, manifest)
    assert caught.value.cause.startswith(cause)
    assert examine(found).cause == caught.value.cause


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("pass", "making it failed: TypeError: plugin does nothing: give it run"),
        ("loops = lambda self: []", "plugin.loops: functions that take a context"),
        ("loops = lambda self: [None]", "plugin.loops: functions that take a context"),
        ("loops = lambda self: [lambda: 0]", "plugin.<lambda>.<locals>.<lambda> must"),
        ("async def run(self, ctx): ...", "plugin.run is an async def, which nobody"),
        (f"{INIT}\n    def run(self): ...", "plugin.run must take the context alone"),
        (f"{INIT}\n    async def run(self, ctx): ...", "plugin.run is an async def"),
    ],
)
def test_a_taskmaster_that_could_never_run_is_told(site, body, cause):
    """Its loops are asked for where that is free."""
    source = of_class("taskmaster", body, "Taskmaster")
    found, manifest = plugin_of(site, "taskmaster", source)
    with pytest.raises(PluginError) as caught:
        make_freely(found, manifest)
    assert caught.value.cause.startswith(cause)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("def plugin(ctx): yield", "plugin has a yield, so a call does nothing"),
        ("async def plugin(ctx): ...", "plugin is an async def, which nobody awaits"),
        ("async def plugin(ctx): yield", "plugin has a yield, so a call does nothing"),
        ("def plugin(): ...", "plugin must take the context alone, not ()"),
    ],
)
def test_a_function_that_could_never_run_as_a_taskmaster_is_told(site, source, cause):
    """In the words of the launch that refuses it."""
    source = f"@taskmaster(name='x')\n{source}\n"
    found, manifest = plugin_of(site, "taskmaster", source)
    with pytest.raises(PluginError) as caught:
        make_freely(found, manifest)
    assert caught.value.cause.startswith(cause)
    assert examine(found).cause == caught.value.cause


@pytest.mark.parametrize(
    "source",
    [
        of_class("worker", "def __init__(self): 1 / 0\n    do_task = 1", "Worker"),
        "def f(options): return open('made', 'w')\n" + MAKE.format("f"),
        "def f(options):\n    while options: pass\n    return f\n" + MAKE.format("f"),
    ],
)
def test_what_may_do_something_is_not_made(site, source):
    """The doctor connects to nothing, and leaves no files."""
    assert make_freely(*plugin_of(site, "worker", source)) is None
    assert not (site.folder / "made").exists()


def test_what_is_free_is_made(site):
    """So that more can be asked of it."""
    found, manifest = plugin_of(
        site, "worker", "def f(info): ...\n" + MAKE.format("lambda options: f")
    )
    assert make_freely(found, manifest).__name__ == "f"
