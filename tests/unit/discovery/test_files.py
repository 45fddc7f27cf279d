"""Rules of `task_core.discovery.files`: workers without packaging."""

import os
import subprocess
import sys

import pytest
from task_testing.dists import write_module

from task_core.api.plugin import NoOptions, TaskmasterPlugin
from task_core.api.taskmaster import Taskmaster
from task_core.discovery.files import locate
from task_core.discovery.loader import load
from task_core.errors import WorkerError

LIBRARY = os.path.dirname(os.__file__)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with what is imported from it forgotten afterwards."""
    monkeypatch.delitem(sys.modules, "work", raising=False)  # of other tests
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in set(sys.modules) - before:
        if not name.startswith("task_core."):  # those are the same for all tests
            del sys.modules[name]


def load_target(text, kind="worker"):
    return load(locate(kind, text))


def message(text):
    with pytest.raises(WorkerError) as caught:
        load_target(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


DECORATED = """
from task_core.api import worker

@worker
def load_table(info: str) -> str:
    "Load."
    return info
"""
CLASS = """
from task_core.api import Worker

class Load(Worker):
    def do_task(self, ctx):
        return "done"
"""


@pytest.mark.parametrize("text", ["work.py:load_table", "./work.py", "work:load_table"])
def test_a_decorated_function_is_its_plugin(here, text):
    """From a file or a module of the current folder."""
    write_module(here, "work", DECORATED)
    plugin = load_target(text)
    assert (plugin.name, plugin.summary) == ("load_table", "Load.")
    assert plugin.make(NoOptions())("a") == "a"


def test_a_plain_function_is_wrapped(here):
    """One file, no import of ours, is how everybody starts."""
    write_module(here, "sub.work", "def my_work(info):\n    return info * 2\n")
    plugin = load_target("sub/work.py:my_work")
    assert plugin.name == "my_work"
    assert plugin.make(NoOptions())("a") == "aa"
    assert load_target("sub.work:my_work").name == "my_work"


def test_a_worker_class_is_wrapped(here):
    """Its `make` gives an instance."""
    write_module(here, "work", CLASS)
    assert type(load_target("work.py:Load").make(NoOptions())).__name__ == "Load"


def test_a_function_without_a_name_of_its_own_is_called_by_its_place(here):
    """A lambda, or a partial."""
    source = """
        from functools import partial
        def both(a, info): return a + info
        half = partial(both, "a")
        echo = lambda info: info
    """
    write_module(here, "work", source)
    assert load_target("work.py:half").name == "half"
    assert load_target("work.py:echo").name == "echo"


def test_the_file_sees_its_neighbours_before_what_is_installed(here):
    """They are what its author had in mind."""
    write_module(here, "far.colorsys", "from neighbour import work\n")
    write_module(here, "far.neighbour", "def work(info): return info\n")
    write_module(here, "installed.neighbour", "def other(info): return info\n")
    sys.path.append(str(here / "installed"))
    assert load_target("far/colorsys.py:work").name == "work"


@pytest.mark.parametrize("text", ["far/work.py:work", "work:work"])
def test_a_neighbour_hides_no_module_of_python(here, text, monkeypatch):
    """Whoever imports it later, we among them, gets Python's."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    write_module(here, "far.work", "import colorsys as work\n")
    write_module(here, "far.colorsys", "x = 1\n")
    if "/" not in text:
        monkeypatch.chdir(here / "far")
    load(locate("hooks", text))
    assert sys.modules["colorsys"].__file__ == f"{LIBRARY}/colorsys.py"


def test_a_file_shadows_no_module(here):
    """Each has a name of its own in `sys.modules`, by its path."""
    write_module(here, "json", "def work(info): return 'json'\n")
    write_module(here, "b.json", "def work(info): return 'b'\n")
    first, second = load_target("json.py:work"), load_target("b/json.py:work")
    assert first.make(None)("") == "json"
    assert second.make(None)("") == "b"
    assert not hasattr(sys.modules["json"], "work")


@pytest.mark.parametrize("name", ["watching", "json", "colorsys"])
def test_a_file_is_imported_once_however_its_path_is_written(here, name):
    """Its workers and hooks share what is global in it."""
    write_module(here, f"real.{name}", "def work(info): ...\ndef more(info): ...\n")
    (here / "away").mkdir()
    (here / "by_folder").symlink_to("real")
    (here / "away" / f"{name}.py").symlink_to(f"../real/{name}.py")
    before = set(sys.modules)
    for folder in ("away/../real", "by_folder", "away", "real"):
        assert load_target(f"{folder}/{name}.py:work").name == "work"
    assert load(locate("hooks", f"real/{name}.py")).work
    assert len([one for one in set(sys.modules) - before if name in one]) == 1


@pytest.mark.parametrize(
    "source",
    [
        DECORATED,
        DECORATED + "def helper(): ...\n",
        CLASS,
        CLASS + "def helper(): ...\n",
        "from os.path import join\ndef work(info): ...\ndef _helper(): ...\n",
    ],
)
def test_a_file_with_one_worker_needs_no_name(here, source):
    """Decorated ones count before classes, those before functions."""
    write_module(here, "work", source)
    assert load_target("work.py").name in ("load_table", "load", "work")


def test_a_file_with_many_wants_a_name(here):
    """And says which there are."""
    write_module(here, "work", "def b(i): ...\ndef a(i): ...\n")
    text = "name the worker in 'work.py' as work.py:NAME (workers there: a, b)"
    assert message("work.py") == text


def test_a_file_with_none_says_how_to_write_one(here):
    """There is nothing to name."""
    write_module(here, "work", "x = 1\n")
    text = "there is no worker in 'work.py': write @worker above a function"
    assert message("work.py") == text


@pytest.mark.parametrize(
    ("kind", "other", "source", "name"),
    [
        ("worker", "taskmaster", "@taskmaster\ndef every(ctx): ...\n", "every"),
        (
            "worker",
            "taskmaster",
            "class Every(Taskmaster):\n    def run(self, ctx): ...\n",
            "Every",
        ),
        ("taskmaster", "worker", "@worker\ndef load(info): ...\n", "load"),
    ],
)
def test_a_file_of_the_other_kind_says_how_to_give_it(here, kind, other, source, name):
    """With its name in there or without."""
    write_module(here, "work", f"from task_core.api import *\n{source}")
    with pytest.raises(WorkerError) as caught:
        load_target("work.py", kind)
    assert str(caught.value) == (
        f"there is a {other} in 'work.py' ({name}), and no {kind}: give it with"
        f" --{other}"
    )


def test_a_file_that_is_not_there_is_told(here):
    """By the path as it was given."""
    (here / "folder.py").mkdir()
    assert message("no/work.py:x") == "worker file 'no/work.py' does not exist"
    assert message("folder.py:x") == "worker file 'folder.py' is a directory"


def test_a_module_that_is_not_there_is_told(here):
    """With where was looked."""
    text = f"worker module 'nowhere.work': there is no module 'nowhere' in {here}"
    assert message("nowhere.work:x").startswith(text)


def test_a_missing_object_gets_the_nearest_and_the_workers(here):
    """Both may help."""
    write_module(here, "work", DECORATED)
    assert message("work.py:load_tabel") == (
        "there is no 'load_tabel' in 'work.py': did you mean 'load_table'?"
        " (workers there: load_table)"
    )


def test_a_syntax_error_is_told_with_file_and_line(here):
    """Without a traceback."""
    write_module(here, "work", "x = 1\ndef work(:\n")
    expected = "worker file 'work.py': syntax error in work.py:2: invalid syntax"
    assert message("work.py:work") == expected


def test_a_syntax_error_in_a_neighbour_is_told_there(here):
    """Not where it was imported."""
    write_module(here, "work", "import neighbour_with_error\n")
    write_module(here, "neighbour_with_error", "\n\n1 +\n")
    assert "syntax error in neighbour_with_error.py:3" in message("work.py:work")


def test_an_error_in_the_file_is_told_with_its_last_line(here):
    """The library below it is not at fault."""
    write_module(here, "work", "import json\n\nx = json.loads('{')\n")
    for text in ("work.py:x", "work:x"):
        assert message(text).endswith("char 1) (work.py:3)")
        assert "cannot be imported: JSONDecodeError: Expecting" in message(text)


def test_a_file_that_failed_is_not_left_half_made(here):
    """The next try runs it again."""
    file = write_module(here, "work", "raise OSError\n")
    message("work.py:x")
    files = {getattr(module, "__file__", "") for module in sys.modules.values()}
    assert str(file) not in files


def test_a_script_that_exits_gets_the_usual_advice(here):
    """It was written to be run."""
    write_module(here, "work", "import sys\ndef work(i): ...\nsys.exit(0)\n")
    assert "under if __name__ == '__main__'" in message("work.py:work")


def test_a_worker_is_no_taskmaster(here):
    """Run as one it would fail with a traceback of ours."""
    write_module(here, "work", DECORATED)
    with pytest.raises(WorkerError, match="is a worker: give it with --worker"):
        load_target("work.py:load_table", "taskmaster")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = 1", "an int is no function and no Worker"),
        ("class x: ...", "class x is no subclass of Worker"),
        (f"{CLASS}\nx = Load()", "is an object: name its class Load instead"),
    ],
)
def test_what_is_no_worker_is_told(here, source, text):
    """Before the launcher tries to call it."""
    write_module(here, "work", source)
    assert text in message("work.py:x")


MASTERS = """
from task_core.api import Taskmaster, taskmaster

@taskmaster
def greet(ctx):
    "Greet."

class Every(Taskmaster):
    def run(self, ctx): ...

def plain(ctx): ...
"""


@pytest.mark.parametrize("name", ["greet", "Every", "plain"])
def test_a_taskmaster_may_be_given_as_a_file_too(tmp_path, name):
    """A decorated function, a class, or a plain function."""
    (tmp_path / "masters.py").write_text(MASTERS)
    plugin = load_target(f"{tmp_path}/masters.py:{name}", "taskmaster")
    assert isinstance(plugin, TaskmasterPlugin)
    assert plugin.name == name.lower()
    assert isinstance(plugin.make(None), Taskmaster)


def test_a_file_without_the_taskmaster_names_those_there_are(tmp_path):
    """In the words of the kind."""
    (tmp_path / "masters.py").write_text(MASTERS)
    with pytest.raises(WorkerError, match=r"taskmasters there: greet"):
        load_target(f"{tmp_path}/masters.py:nobody", "taskmaster")


POOL = """
import multiprocessing

def double(number):
    return 2 * number

def work(info):
    context = multiprocessing.get_context(info)
    with context.Pool(1) as pool:
        return ",".join(map(str, pool.map(double, [1, 2])))
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_what_a_worker_starts_by_multiprocessing_finds_its_file(here, method):
    """A child imports the functions that it is given by the name of their module."""
    write_module(here, "far.my_pool", POOL)
    code = (
        "from task_core.discovery.catalog import Catalog\n"
        "if __name__ == '__main__':\n"
        "    plugin, _ = Catalog().manifest('worker', 'far/my_pool.py:work')\n"
        f"    print(plugin.make(None)({method!r}))\n"
    )
    (here / "main.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "main.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout == "2,4\n", done.stderr


def test_a_file_has_its_own_name_where_nobody_else_has_it(here):
    """Else one of our making."""
    write_module(here, "lonely_worker", "def work(info): ...\n")
    assert load_target("lonely_worker.py").make(None).__module__ == "lonely_worker"
    write_module(here, "queue", "def work(info): ...\n")
    assert load_target("queue.py").make(None).__module__.startswith("task_file_queue")


@pytest.mark.parametrize("name", ["load.v2.py", "1.2.3.py", "queue.v2.py", "a-b.c.py"])
def test_a_file_may_have_dots_in_its_name(here, name):
    """It is no module of a package for that."""
    (here / name).write_text("def work(info): ...\n")
    assert load_target(f"{name}:work").name == "work"


def test_files_that_differ_in_a_dot_alone_are_two(here):
    """Whatever they are called in the end."""
    for stem in ("load.v2", "load_v2"):
        (here / f"{stem}.py").write_text(f"def work(info): return {stem!r}\n")
    made = [
        load_target(f"{stem}.py:work").make(None) for stem in ("load.v2", "load_v2")
    ]
    assert [one("") for one in made] == ["load.v2", "load_v2"]


def test_a_file_of_hooks_is_a_module_with_implementations(here):
    """As an installed one that names a module."""
    write_module(here, "watch", "x = 1\n")
    assert load_target("./watch.py", "hooks").x == 1
    assert load_target("watch:x", "hooks") == 1
    with pytest.raises(WorkerError, match=r"no 'y' in 'watch.py' \(hooks there: none"):
        load_target("watch.py:y", "hooks")


HOOKS = """
import attrs, logging
from task_core.api import HooksPlugin, hookimpl
log = logging.getLogger("watch")
class Watch:
    @hookimpl
    def task_started(self, task): ...
seen = Watch()
plugin = HooksPlugin(name="plugin", summary="Watches.", make=Watch)
"""


@pytest.mark.parametrize(
    ("own", "there"),
    [
        ("", "seen, plugin"),
        (
            "@hookimpl\ndef task_sent(messages): ...",
            "its own: give 'watch.py' alone, seen, plugin",
        ),
    ],
)
def test_what_hooks_are_in_a_file_is_told_when_it_lacks_those_that_are_meant(
    here, own, there
):
    """Manifests, and objects with hooks; and not what it imports."""
    write_module(here, "watch", HOOKS + own)
    with pytest.raises(WorkerError) as told:
        load_target("watch.py:sen", "hooks")
    text = "there is no 'sen' in 'watch.py': did you mean 'seen'?"
    assert str(told.value) == f"{text} (hooks there: {there})"
